import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WantedRelease } from "../../ota/update/update-state.ts";
import { createTestRegion, createUpdateBench, type TestRegion, type UpdateBench } from "../ota/update-bench.ts";
import { requirement, titled } from "../support/requirements.ts";

const tools = requirement("mksquashfs");

describe.skipIf(!tools.available)(titled("a way back to an earlier release", tools), () => {
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

  /** Want it, let it be tried, and see it proved. Gives the name that the release says. */
  const install = async (wanted: WantedRelease): Promise<string> => {
    const before = await bench.start();
    await before.updates.want(wanted);
    await before.reached("activating");
    await before.end();
    const trial = await bench.start();
    const { outcomes } = await trial.rests();
    await trial.end();
    expect(outcomes[0]).toMatchObject({ result: "installed", wanted: { campaign: wanted.campaign } });
    return trial.started.name;
  };
  /** The code by which it is refused. */
  const refusal = async (wanted: WantedRelease): Promise<string | undefined> => {
    const run = await bench.start();
    await run.updates.want(wanted);
    const { outcomes } = await run.rests();
    await run.end();
    expect(outcomes[0]).toMatchObject({ result: "rejected", wanted: { campaign: wanted.campaign } });
    return outcomes[0]?.why?.code;
  };

  it("is taken where the region signs the old content with a higher counter, and in no other way", async () => {
    const one = await region.release("one", 1);
    const two = await region.release("two", 2);
    expect(await install(one)).toBe("one");
    expect(await install(two)).toBe("two");
    expect(await refusal({ ...one, campaign: "back" })).toBe("update-rolled-back");

    const target = "releases/one.counter-3.sqfs.zst";
    await region.repository.recount(one.target, 3, target);
    await region.publish();
    const back: WantedRelease = { ...one, campaign: "back by the region", target, counter: 3 };
    // The broker names another counter than the one that is signed.
    expect(await refusal({ ...back, campaign: "made up", counter: 4 })).toBe("update-unfit");
    expect(await install(back)).toBe("one");
    expect(await refusal({ ...two, campaign: "and forth" })).toBe("update-rolled-back");
    expect((await bench.start()).started).toMatchObject({ name: "one", slot: "current" });
  });
});
