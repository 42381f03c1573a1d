import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bucketOf } from "../../protocol/cohort.ts";
import { releaseProgram } from "../../region/release/program.ts";
import { openReleaseRepository } from "../../region/release/repository.ts";
import { openSigner } from "../../region/release/signer.ts";

const TARGET = "releases/seven.sqfs.zst";
let place = "";
let file = "";
let repository = "";

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-campaign-"));
  [file, repository] = [join(place, "campaigns.json"), join(place, "repository")];
  const key = join(place, "key.pem");
  await writeFile(key, generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(join(place, "image"), "seven");
  const signer = openSigner(key);
  const open = openReleaseRepository(repository, () => new Date());
  const role = { keys: [signer.key], threshold: 1 };
  await open.initialise({ root: role, targets: role, online: role });
  const custom = { hardware: ["rpi4b"], arch: "arm64", counter: 7, minFrom: 0 };
  await open.add([
    { path: TARGET, file: join(place, "image"), custom },
    { path: "catalogue/1.json", file: join(place, "image"), custom: {} },
  ]);
  for (const { role: name } of await open.drafts()) await open.sign(name, signer);
  await open.publish(signer);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(place, { recursive: true, force: true });
});

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const campaign = async (...args: readonly string[]): Promise<Answer> => {
  const said = { out: "", err: "" };
  const listen = (to: "out" | "err") => (text: unknown) => {
    said[to] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(listen("out")),
    vi.spyOn(process.stderr, "write").mockImplementation(listen("err")),
  ];
  const code = await releaseProgram(["campaign", ...args]);
  for (const spy of spies) spy.mockRestore();
  return { code, ...said };
};

const start = (name: string, ...more: readonly string[]): Promise<Answer> =>
  campaign("start", file, "--name", name, "--repository", repository, "--target", TARGET, ...more);

/** Hubs of the first step, by the order of this campaign. */
const firstOf = (name: string, count: number): readonly string[] => {
  const found: string[] = [];
  for (let n = 0; found.length < count; n += 1) if (bucketOf(`hub-${n}`, name) < 10) found.push(`hub-${n}`);
  return found;
};

const lineOf = (hubId: string, name: string, result: string): string =>
  JSON.stringify({
    schema: "reported/1",
    hubId,
    at: "2026-11-22T10:00:00.000Z",
    release: {
      state: "idle",
      campaign: null,
      running: { image: null, counter: 6, slot: "current" },
      outcomes: [{ result, campaign: name, target: TARGET, counter: 7, code: null, at: null }],
    },
  });

describe("the commands of a campaign", () => {
  it("start one by what is signed, and say what to publish", async () => {
    const { code, out, err } = await start("winter", "--window", "02:00-05:00", "--not-before", "2026-12-01");
    expect({ code, err }).toEqual({ code: 0, err: "winter: started, step 1 of 5, 0.1 % of the hubs\n" });
    expect(JSON.parse(out)).toEqual({
      release: {
        campaign: "winter",
        target: TARGET,
        counter: 7,
        notBefore: "2026-12-01T00:00:00.000Z",
        window: "02:00-05:00",
        bucketMax: 10,
        urgency: "routine",
      },
    });
  });

  it("count reports from a file, widen after the soak, and stop by the hubs' rollbacks, for good", async () => {
    const hubs = firstOf("winter", 6);
    await writeFile(join(place, "fleet"), `${hubs.join("\n")}\n`);
    await start("winter", "--soak-hours", "0", "--fleet", join(place, "fleet"));
    const reports = join(place, "reports");
    await writeFile(reports, `${lineOf(hubs[0] ?? "", "winter", "installed")}\nnonsense\n`);
    const held = await campaign("advance", file, "winter", "--reports", reports);
    expect(held.err).toMatch(/reports, line 2: not JSON .*; left out\nwinter: hold: 1 of 6 hubs .*, and 3 are enough/);
    await writeFile(
      reports,
      hubs
        .slice(0, 3)
        .map((id) => lineOf(id, "winter", "installed"))
        .join("\n"),
    );
    const widened = await campaign("advance", file, "winter", "--reports", reports);
    expect(JSON.parse(widened.out)).toMatchObject({ release: { bucketMax: 100 } });
    await writeFile(
      reports,
      hubs
        .slice(3, 5)
        .map((id) => lineOf(id, "winter", "rolled-back"))
        .join("\n"),
    );
    const stopped = await campaign("advance", file, "winter", "--reports", reports);
    expect(stopped.err).toMatch(/winter: stop: 2 of 5 trials failed \(40\.0 %\), and 1\.0 % are the most/);
    expect(JSON.parse(stopped.out)).toEqual({ release: null });
    const again = await campaign("advance", file, "winter", "--reports", reports, "--by-hand");
    expect(again.err).toMatch(/winter: ended: .* does not start again; start another campaign/);
    expect(JSON.parse(again.out)).toEqual({ release: null });
    const { out } = await campaign("status", file);
    expect(out).toContain(
      "6 hubs: 3 installed, 2 rolled back, 0 rejected, 0 waiting (0 silent since their trial), 1 silent",
    );
    expect(JSON.parse((await campaign("status", file, "--json")).out)).toMatchObject([
      { phase: { tag: "stopped", step: 1 }, hubs: { installed: 3, rolledBack: 2 }, wanted: null },
    ]);
  });

  it("stop one by hand, and only then start another on the same hardware", async () => {
    await start("winter");
    const second = await start("spring");
    expect(second).toMatchObject({ code: 1, out: "" });
    expect(second.err).toContain("winter still runs on the same hardware (rpi4b); stop it first, or let it complete");
    const stopped = await campaign("stop", file, "winter", "--because", "a bad smell");
    expect(stopped).toMatchObject({ code: 0, out: '{"release":null}\n' });
    expect(await start("spring")).toMatchObject({ code: 0 });
    expect((await campaign("status", file)).out).toMatch(/winter: .* stopped .*: a bad smell\n/);
  });

  it.each([
    ["a target that is not published", ["--target", "releases/eight"], /is not in the published list; run release add/],
    ["a target that is no release", ["--target", "catalogue/1.json"], /signed without hardware or counter/],
    ["no repository", ["--repository", "nowhere"], /no published list of releases; run release publish first/],
    ["a strange window", ["--window", "2-5"], /--window 2-5: use 02:00-05:00/],
    ["a strange date", ["--not-before", "soon"], /--not-before soon: use 2026-12-01T02:00:00Z/],
    ["a strange urgency", ["--urgency", "now"], /--urgency now: use routine, soon, critical/],
  ])("refuse %s", async (_, options, sentence) => {
    const { code, err } = await start("winter", ...options);
    expect(code).toBe(1);
    expect(err).toMatch(sentence);
  });

  it("change the account one at a time, and do not take another file, or a damaged one, for none", async () => {
    await start("winter");
    await writeFile(`${file}.lock`, "");
    expect((await campaign("stop", file, "winter")).err).toMatch(/somebody else changes .*; wait for it, or remove/);
    await rm(`${file}.lock`);
    expect((await campaign("stop", file, "autumn")).err).toMatch(/there is no autumn in the file; it has: winter/);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.slice(0, -9));
    expect((await campaign("status", file)).err).toMatch(/is damaged .*; bring it back from a backup/);
    await writeFile(file, "{}");
    expect((await campaign("status", file)).err).toMatch(/is no campaigns\/1/);
  });
});
