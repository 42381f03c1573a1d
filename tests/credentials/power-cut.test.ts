import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createIdentityStore } from "../../gateway/credentials/identity-store.ts";
import { createCertificateAuthority, type Identity } from "../../hardware-sim/region/certificates.ts";
import { epochMs } from "../../protocol/time.ts";
import { type Cut, cutsOf } from "../power-cut/cuts.ts";
import { record } from "../power-cut/record.ts";
import { requirement, titled } from "../support/requirements.ts";
import { DAY, HUB } from "./support/link.ts";

const cc = requirement("cc");
const workload = fileURLToPath(new URL("identity-workload.ts", import.meta.url));
const RENEWALS = 4;
const SEED = 20261122;

/** What was acknowledged of renewal `i`, and may therefore not be undone. */
const lastOf = ({ acknowledged }: Cut, word: string): number =>
  acknowledged
    .filter((line) => line.startsWith(`${word} `))
    .reduce((last, line) => Math.max(last, Number(line.split(" ")[1])), -1);

describe.skipIf(!cc.available)(titled("F24: when the power is cut in a renewal", cc), () => {
  it("the hub has a certificate with its key, and none that was accepted is lost", { timeout: 120_000 }, async () => {
    const outside = await mkdtemp(join(tmpdir(), "hemhub-renewal-"));
    try {
      const now = Date.now();
      const authority = await createCertificateAuthority("authority", epochMs(now));
      const pairs: Identity[] = [];
      for (let i = 0; i <= RENEWALS; i++) {
        pairs.push(await authority.client(HUB, { notBefore: epochMs(now - (RENEWALS - i + 1) * DAY) }));
      }
      const [given, ...renewed] = pairs;
      await writeFile(join(outside, "hub.crt"), given?.certificate ?? "");
      await writeFile(join(outside, "hub.key"), given?.key ?? "");
      await writeFile(join(outside, "pairs.json"), JSON.stringify(renewed));
      const recording = await record(workload, (root, acks) => [
        join(root, "data"),
        acks,
        join(outside, "pairs.json"),
        outside,
      ]);

      const wrong: string[] = [];
      let cuts = 0;
      for (const cut of cutsOf(recording, { every: 1, seed: SEED })) {
        cuts += 1;
        const place = join(outside, `cut-${cuts}`);
        for (const [path, content] of cut.files) {
          await mkdir(dirname(join(place, path)), { recursive: true });
          await writeFile(join(place, path), content);
        }
        const store = createIdentityStore(join(place, "data", "identity"), {
          certificate: join(outside, "hub.crt"),
          key: join(outside, "hub.key"),
        });
        const complain = (what: string): void => {
          wrong.push(`${what} (after ${cut.after}, ${cut.loss}, seed ${SEED})`);
        };
        try {
          // `present` and `candidate` read only what is a pair.
          const present = await store.present();
          const candidate = await store.candidate();
          const presentAt = renewed.findIndex(({ certificate }) => present.certificate.includes(certificate.trim()));
          const candidateAt = renewed.findIndex(({ certificate }) =>
            candidate?.certificate.includes(certificate.trim()),
          );
          if (presentAt < lastOf(cut, "promoted"))
            complain(`renewal ${lastOf(cut, "promoted")} was accepted and is lost`);
          if (presentAt >= 0 && presentAt % 2 === 1) complain("a refused certificate is in use");
          const kept = lastOf(cut, "kept");
          const isSettled = lastOf(cut, "promoted") >= kept || lastOf(cut, "dropped") >= kept;
          const isThere = Math.max(presentAt, candidateAt) >= kept || lastOf(cut, "requested") > kept;
          // A drop that was not acknowledged may have happened.
          if (!isSettled && !isThere && kept % 2 === 0) complain(`renewal ${kept} was kept and is lost`);
          if (cut.files.has("data/identity/candidate.pem") && candidate === null) complain("a candidate is torn");
          const key = await store.requestKey();
          if (cut.files.has("data/identity/request.key") && key === null) complain("a key is torn");
        } catch (thrown) {
          complain(String(thrown));
        }
        await rm(place, { recursive: true, force: true });
      }
      expect(wrong).toEqual([]);
      expect(cuts).toBeGreaterThan(40);
    } finally {
      await rm(outside, { recursive: true });
    }
  });
});
