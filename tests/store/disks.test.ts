import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pathOf, type Requirement, requirement, titled } from "../support/requirements.ts";

const run = promisify(execFile);

/** Mounting a small disk of one's own: as root, or as anybody where the kernel lets users make namespaces. */
const mounting = (): Requirement => {
  try {
    execFileSync("unshare", ["--map-root-user", "--mount", "true"], { stdio: "ignore" });
    return { available: true, reason: null };
  } catch {
    return { available: false, reason: "no mount namespace can be made here: run as root, or allow user namespaces" };
  }
};

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-disk-"));
});

afterEach(() => rm(place, { recursive: true, force: true }));

const mount = mounting();

describe.skipIf(!mount.available)(titled("on a small disk of its own, the outbox", mount), () => {
  const trial = async (name: string): Promise<unknown> => {
    const command = ["--map-root-user", "--mount", process.execPath, here("disk-trial.ts"), name, place];
    return JSON.parse((await run("unshare", command)).stdout);
  };

  it("F05: refuses when the disk is full, keeps everything it took, and goes on when there is room", async () => {
    const seen = (await trial("full")) as { stored: number; refusal: { message: string } };
    const { stored } = seen;
    expect(stored).toBeGreaterThan(50);
    expect(seen).toMatchObject({
      refusal: { code: "outbox-disk-full" },
      again: { code: "outbox-disk-full" },
      whileFull: stored,
      afterwards: { tag: "stored", seq: stored + 1 },
      kept: [11, stored + 1 - 10],
      recovered: null,
    });
    expect(seen.refusal.message).toContain(`disk full (${stored} readings waiting)`);
  }, 60_000);

  it("F06: says that the disk is read-only, touches nothing, and opens when it no longer is", async () => {
    expect(await trial("read-only")).toMatchObject({
      empty: { code: "outbox-read-only" },
      filled: { code: "outbox-read-only" },
      waiting: 2,
    });
  }, 60_000);
});

const cc = requirement("cc");

describe.skipIf(!cc.available)(titled("on a disk that fails to synchronise, the outbox", cc), () => {
  it("F04: acknowledges nothing that fsync did not confirm, and recovers by itself", async () => {
    const shim = join(place, "failing-fsync.so");
    execFileSync(pathOf("cc") ?? "cc", ["-shared", "-fPIC", "-o", shim, here("failing-fsync.c"), "-ldl"]);
    const env = { ...process.env, LD_PRELOAD: shim, HEMHUB_FSYNC_FAILS: join(place, "fails") };
    const { stdout } = await run(process.execPath, [here("disk-trial.ts"), "failing", place], { env });
    const seen = JSON.parse(stdout) as { after: { tag: string; seq: number }[]; waiting: number[] };
    expect(seen).toMatchObject({
      first: { code: "outbox-poisoned" },
      second: { code: "outbox-poisoned" },
      waiting: [1, 2, 3],
      recovered: null,
    });
    expect(seen.after[0]).toEqual({ tag: "duplicate", seq: 1 });
    expect(seen.after.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  }, 60_000);
});
