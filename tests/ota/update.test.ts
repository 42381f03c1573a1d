import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Reason, WantedRelease } from "../../ota/update/update-state.ts";
import { bucketOf } from "../../protocol/cohort.ts";
import { epochMs, minutes } from "../../protocol/time.ts";
import { requirement, titled } from "../support/requirements.ts";
import { NOW } from "./hub.ts";
import { createTestRegion, createUpdateBench, type TestRegion, type UpdateBench } from "./update-bench.ts";

const tools = requirement("mksquashfs");
const FAILED: Reason = { code: "no-broker", sentence: "update: the broker was not reached" };
const MEASURING: Reason = { code: "measuring", sentence: "update: somebody is being measured" };

describe.skipIf(!tools.available)(titled("an update, from the region's wish to the next start", tools), () => {
  let region: TestRegion;
  let bench: UpdateBench;
  beforeEach(async () => {
    region = await createTestRegion();
    bench = await createUpdateBench(region);
  });
  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    await region[Symbol.asyncDispose]();
  });

  /** Want it, let it be downloaded and staged, and start what it switched to. */
  const tryOut = async (wanted: WantedRelease) => {
    const first = await bench.start();
    await first.updates.want(wanted);
    await first.restarted();
    await first.end();
    return bench.start();
  };

  it("is downloaded, checked, tried and in force", async () => {
    const run = await tryOut(await region.release("one", 1));
    expect(run.started).toMatchObject({ name: "one", slot: "trial", try: 1 });
    await run.ended("installed");
    await run.end();
    const after = await bench.start();
    expect(after.started).toMatchObject({ name: "one", slot: "current" });
    // The retained message comes again with every connection.
    await after.updates.want(await region.release("two", 2));
    await after.restarted();
    await after.end();
    expect((await bench.start()).started).toMatchObject({ name: "two", slot: "trial" });
  });

  it("is taken back where it does not prove itself, and not tried again", async () => {
    const wanted = await region.release("broken", 1);
    bench.circumstances.proof = () => FAILED;
    const run = await tryOut(wanted);
    expect(await run.restarted()).toMatch(/taken back/);
    await run.end();
    const after = await bench.start();
    expect(after.started).toMatchObject({ name: "base" });
    expect((await after.ended("rolled-back")).outcomes).toMatchObject([{ why: FAILED }]);
    await after.updates.want(wanted);
    await after.updates.want({ ...wanted, campaign: "once more" });
    const memory = await after.ended("rejected");
    expect(memory.outcomes[0]).toMatchObject({ why: { code: "quarantined" } });
    await after.end();
  });

  it("that ends by itself in its trial is given up after three starts", async () => {
    bench.circumstances.proof = () => "hangs";
    const crashing = await tryOut(await region.release("crashing", 1));
    await crashing.reached("trial");
    await crashing.end();
    for (const nth of [2, 3]) {
      const again = await bench.start();
      expect(again.started).toMatchObject({ name: "crashing", try: nth });
      await again.end();
    }
    const after = await bench.start();
    expect(after.started).toMatchObject({ name: "base" });
    expect((await after.ended("rolled-back")).outcomes).toMatchObject([{ why: { code: "tries" } }]);
    await after.end();
  });

  it("waits as long as somebody is being measured, also between the decision and the switch", async () => {
    bench.circumstances.care = MEASURING;
    const run = await bench.start();
    await run.updates.want(await region.release("one", 1));
    expect((await run.reached("waiting-window")).state).toMatchObject({ why: MEASURING });
    run.updates.goAhead();
    await bench.clock.advance(minutes(5));
    expect(run.updates.memory().state.tag).toBe("waiting-window");
    bench.circumstances.care = null;
    await run.reached("activating");
    await run.end();
  });

  it("begins when the campaign reaches this hub, and not before its date", async () => {
    const wanted = await region.release("one", 1);
    const bucket = bucketOf("hub-0001", wanted.campaign);
    const run = await bench.start();
    await run.updates.want({ ...wanted, bucketMax: bucket });
    await run.waitsFor("not-in-cohort");
    await bench.clock.advance(minutes(60));
    expect(run.updates.memory().state.tag).toBe("offered");
    await run.updates.want({ ...wanted, bucketMax: bucket + 1, notBefore: epochMs(NOW + 86_400_000) });
    await run.waitsFor("not-before");
    await bench.clock.advance(minutes(60));
    expect(run.updates.memory().state.tag).toBe("offered");
    await run.reached("activating");
    await run.end();
  });

  it("goes on after the network was away, and gives up nothing", async () => {
    const wanted = await region.release("one", 1);
    const timestamp = join(region.folder, "metadata", "timestamp.json");
    const kept = await readFile(timestamp);
    await rm(timestamp);
    const run = await bench.start();
    await run.updates.want(wanted);
    const failed = await run.ended("failed-retryable");
    expect(failed.outcomes).toMatchObject([{ why: { code: "update-unreachable" } }]);
    await writeFile(timestamp, kept);
    await run.reached("activating");
    await run.end();
  });

  it("is refused for good where the signed terms say no", async () => {
    const wanted = await region.release("one", 3);
    const run = await bench.start();
    await run.updates.want({ ...wanted, counter: 4 });
    const memory = await run.ended("rejected");
    expect(memory.outcomes).toMatchObject([{ why: { code: "update-unfit" } }]);
    expect(memory.wanted).toBeNull();
    await run.end();
  });

  it("that runs on trial and is remembered by nobody is taken back", async () => {
    const run = await tryOut(await region.release("one", 1));
    await run.end();
    await writeFile(join(bench.home, "..", "update.json"), "damaged");
    const again = await bench.start();
    expect(again.started).toMatchObject({ name: "one", slot: "trial" });
    expect(await again.restarted()).toMatch(/memory of why is lost/);
    await again.end();
    expect((await bench.start()).started).toMatchObject({ name: "base" });
  });
});
