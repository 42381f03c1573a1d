import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReasonCode, WantedRelease } from "../../../ota/update/update-state.ts";
import { epochMs, isoUtc } from "../../../protocol/time.ts";
import { requirement, titled } from "../../support/requirements.ts";
import { NOW } from "../hub.ts";
import { createFaultBench, type FaultBench } from "./fault-bench.ts";
import { alter, newestOf, resign } from "./forge.ts";

const tools = requirement("mksquashfs");
const DAY = 86_400_000;

/** It failed for now with this reason, and nothing else came of it. */
const failsWith = async (bench: FaultBench, wanted: WantedRelease, code: ReasonCode, says: RegExp): Promise<void> => {
  const memory = await bench.ends(wanted, "failed-retryable");
  expect(memory.outcomes[0]?.why).toMatchObject({ code, sentence: expect.stringMatching(says) });
  expect(memory.wanted).toMatchObject({ campaign: wanted.campaign });
};

/** The wish that failed is still there, and is met once what it failed for is gone. */
const isMetAfterwards = async (bench: FaultBench, wanted: WantedRelease): Promise<void> => {
  const { outcomes } = await bench.ends(null, "installed");
  expect(outcomes[0]?.wanted.campaign).toBe(wanted.campaign);
  await bench.recovers();
};

describe.skipIf(!tools.available)(titled("F49: an update that the region did not sign as it is", tools), () => {
  let bench: FaultBench;
  beforeEach(async () => {
    bench = await createFaultBench();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it("bad signature: is not taken, and the next look finds what is signed", async () => {
    const wanted = await bench.region.release("one", 1);
    const undo = await alter(bench.region, "timestamp", ({ signatures: [first] }) => {
      if (first !== undefined) first.sig = `${first.sig.startsWith("00") ? "ff" : "00"}${first.sig.slice(2)}`;
    });
    await failsWith(bench, wanted, "update-untrusted", /not signed as the region signs/);
    await bench.runs("base", "base");
    await undo();
    await isMetAfterwards(bench, wanted);
  });

  it("threshold not met: one of two people is not enough", async () => {
    await using strict = await createFaultBench({ signatures: 2 });
    const wanted = await strict.region.release("one", 1);
    const undo = await alter(strict.region, "targets", ({ signatures }) => signatures.pop());
    await failsWith(strict, wanted, "update-untrusted", /1\/2 keys/);
    await strict.runs("base", "base");
    await undo();
    await isMetAfterwards(strict, wanted);
  });

  it("duplicate signatures: one person twice is not two", async () => {
    await using strict = await createFaultBench({ signatures: 2 });
    const wanted = await strict.region.release("one", 1);
    const undo = await alter(strict.region, "targets", (content) => {
      content.signatures = content.signatures.flatMap((one, n) => (n === 0 ? [one, { ...one }] : []));
    });
    await failsWith(strict, wanted, "update-untrusted", /multiple signatures/);
    await strict.runs("base", "base");
    await undo();
    await isMetAfterwards(strict, wanted);
  });

  it("expired: is not taken, and says what to do", async () => {
    const wanted = await bench.region.release("one", 1);
    const undo = await resign(bench.region, "timestamp", (signed) => {
      signed.expires = isoUtc(epochMs(NOW - 1000));
    });
    await failsWith(bench, wanted, "update-expired", /no longer valid on 2150-01-01.*ask the region/);
    await bench.runs("base", "base");
    await undo();
    await isMetAfterwards(bench, wanted);
  });

  it("rolled back: a server that shows the state of last year gets nowhere", async () => {
    const { region } = bench;
    const lastYear = await bench.published();
    await bench.ends(await region.release("one", 1), "installed");
    const wanted = await region.release("two", 2);
    const today = bench.served;
    bench.served = lastYear;
    await failsWith(bench, wanted, "update-rolled-back", /an older state is refused/);
    await bench.runs("one", "current");
    bench.served = today;
    await isMetAfterwards(bench, wanted);
  });

  it("mix-and-match: files of two states are not a state", async () => {
    const { region } = bench;
    const before = join(region.folder, "metadata", await newestOf(region, "snapshot"));
    const older = await readFile(before, "utf8");
    const wanted = await region.release("one", 1);
    const newest = join(region.folder, "metadata", await newestOf(region, "snapshot"));
    const newer = await readFile(newest, "utf8");
    await writeFile(newest, older);
    await failsWith(bench, wanted, "update-untrusted", /snapshot/);
    await bench.runs("base", "base");
    await writeFile(newest, newer);
    await isMetAfterwards(bench, wanted);
  });

  it("after torn metadata: an older state is refused all the same", async () => {
    const { region, hub } = bench;
    const lastYear = await bench.published();
    await bench.ends(await region.release("one", 1), "installed");
    const metadata = join(hub.home, "..", "metadata");
    const whole = await readFile(join(metadata, "timestamp.json"));
    await writeFile(join(metadata, "timestamp.json"), whole.subarray(0, whole.length / 2));
    for (const role of ["snapshot", "targets"]) await rm(join(metadata, `${role}.json`));
    const wanted = await region.release("two", 2);
    const today = bench.served;
    bench.served = lastYear;
    await failsWith(bench, wanted, "update-rolled-back", /has already seen/);
    bench.served = today;
    await isMetAfterwards(bench, wanted);
  });

  it("skipped root: the chain is walked step by step or not at all", async () => {
    const { region } = bench;
    const wanted = await region.release("one", 1);
    const second = join(region.folder, "metadata", "2.root.json");
    const [first] = region.signers;
    if (first === undefined) throw new Error("the region has no key");
    const role = { keys: [first.key], threshold: 1 };
    await region.repository.changeTrust({ root: role, targets: role, online: role });
    await region.publish();
    const right = await readFile(second, "utf8");
    await resign(region, "root", (signed) => {
      signed.version = 3;
    });
    await failsWith(bench, wanted, "update-untrusted", /Expected version 2, got 3/);
    await bench.runs("base", "base");
    await writeFile(second, right);
    await isMetAfterwards(bench, wanted);
  });

  it("weak hashes: what only MD5 and SHA-1 vouch for is proved by nothing", async () => {
    const wanted = await bench.region.release("one", 1);
    const undo = await resign(bench.region, "targets", (signed) => {
      const listed = signed.targets as Record<string, { hashes: Record<string, string> }>;
      for (const one of Object.values(listed)) one.hashes = { md5: "0".repeat(32), sha1: "0".repeat(40) };
    });
    await failsWith(bench, wanted, "update-untrusted", /without a sha256 or sha512/);
    await bench.runs("base", "base");
    await undo();
    // The version that was seen is not asked for again: the region signs the next one.
    await bench.recovers();
  });

  it("unknown target: is asked for again, and installed once it is published", async () => {
    const known = await bench.region.release("one", 1);
    const wanted = { ...known, target: "releases/two.sqfs.zst", counter: 2, campaign: "to-two" };
    await failsWith(bench, wanted, "update-unknown-target", /lists no releases\/two/);
    await bench.runs("base", "base");
    await bench.region.release("two", 2);
    await isMetAfterwards(bench, wanted);
  });

  it.each([
    ["hardware", { hardware: ["rpi4b"] }, /is for rpi4b, and this hub is generic/],
    ["processor", { arch: "s390" }, /is for s390/],
    ["kind of image", { artefact: "rauc-bundle" }, /is a rauc-bundle/],
    ["release before", { minFrom: 5 }, /follows releases from counter 5/],
  ])("wrong hardware: what is signed for another %s is refused for good", async (_, terms, says) => {
    const memory = await bench.ends(await bench.region.release("one", 1, { terms }), "rejected");
    expect(memory).toMatchObject({ wanted: null, quarantine: [] });
    expect(memory.outcomes[0]?.why).toMatchObject({ code: "update-unfit", sentence: expect.stringMatching(says) });
    await bench.runs("base", "base");
    await bench.recovers();
  });

  it("lower counter: an older release is refused for good, and comes back signed with a higher one", async () => {
    const { region } = bench;
    await bench.ends(await region.release("one", 5), "installed");
    const memory = await bench.ends(await region.release("two", 4), "rejected");
    expect(memory).toMatchObject({ wanted: null, quarantine: [] });
    const why = { code: "update-rolled-back", sentence: expect.stringMatching(/signs it again with a higher counter/) };
    expect(memory.outcomes[0]?.why).toMatchObject(why);
    await bench.runs("one", "current");
    await bench.ends(await region.release("two-again", 6), "installed");
    await bench.recovers();
  });

  it("clock 1970: what is signed is installed, and what had expired when it last heard is not", async () => {
    const { region, hub } = bench;
    hub.clock.setWallClock(epochMs(0));
    hub.circumstances.isTimeKnown = false;
    const { outcomes } = await bench.ends(await region.release("one", 1), "installed");
    expect(outcomes[0]?.at).toBeNull();
    const wanted = await region.release("two", 2);
    const undo = await resign(region, "timestamp", (signed) => {
      signed.expires = isoUtc(epochMs(NOW - DAY));
      signed["x-hemhub-signed-at"] = isoUtc(epochMs(NOW - 2 * DAY));
    });
    await failsWith(bench, wanted, "update-expired", /no longer valid on 2150/);
    await bench.runs("one", "current");
    await undo();
    await isMetAfterwards(bench, wanted);
  });

  it("clock 2099: nothing is taken, nothing is lost, and all goes on when the clock is right", async () => {
    await using present = await createFaultBench({ now: Date.now });
    const { clock } = present.hub;
    const wanted = await present.region.release("one", 1);
    clock.setWallClock(epochMs(Date.UTC(2099, 0, 1)));
    await failsWith(present, wanted, "update-expired", /2099.*set the hub's clock/);
    await present.runs("base", "base");
    clock.setWallClock(epochMs(Date.now()));
    await isMetAfterwards(present, wanted);
  });

  it("stale stick: a folder that is older than what the hub has seen is refused, and a new copy is taken", async () => {
    const { region, hub } = bench;
    const stick = join(hub.home, "..", "stick");
    const old = await region.release("one", 1);
    await cp(region.folder, stick, { recursive: true });
    await bench.ends(await region.release("two", 2), "installed");
    await failsWith(bench, { ...old, campaign: "by stick", folder: stick }, "update-rolled-back", /onto the stick/);
    await bench.runs("two", "current");
    const wanted = { ...(await region.release("three", 3)), folder: stick };
    await cp(region.folder, stick, { recursive: true });
    await bench.ends(wanted, "installed");
    await bench.runs("three", "current");
    await bench.recovers();
  });
});
