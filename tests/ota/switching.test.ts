import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { createSwitchBench, recordSwitches, reportSwitchCuts } from "./switch-after-cut.ts";

const cc = requirement("cc");

describe.skipIf(!cc.available)(titled("F47: when the power is cut at any operation of switching releases", cc), () => {
  it("the hub starts the old release or the new one, tries it three times at most, and settles", async () => {
    await using bench = await createSwitchBench();
    const { cuts, wrong } = await reportSwitchCuts(await recordSwitches(bench), bench);
    expect(wrong).toEqual([]);
    expect(cuts).toBeGreaterThan(80);
  }, 120_000);
});
