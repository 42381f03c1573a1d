import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { recordChecks, reportCheckCuts, statesOfRegion } from "./check-after-cut.ts";

const cc = requirement("cc");

/** Prime, so that over the recording every kind of operation is met; all of them are in power-cut.faults.ts. */
const EVERY = 5;

describe.skipIf(!cc.available)(titled("F47: when the power is cut in a check or a download", cc), () => {
  it("the hub starts, is not stuck, and takes nothing older than it had", async () => {
    const states = statesOfRegion();
    const { cuts, wrong } = await reportCheckCuts(await recordChecks(states), states, EVERY);
    expect(wrong).toEqual([]);
    expect(cuts).toBeGreaterThan(60);
  }, 120_000);
});
