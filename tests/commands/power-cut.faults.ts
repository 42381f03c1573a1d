import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { reportControlCuts, type Work } from "./support/control-cuts.ts";

const cc = requirement("cc");

describe.skipIf(!cc.available)(titled("F53, R22: when the power is cut at any operation", cc), () => {
  it.each<[Work, string]>([
    ["wipe", "an erase leaves everything readable or nothing, and is carried out at the next start"],
    ["reassign", "a hand-over has happened or not, and no reading changes its owner"],
    ["both", "a hand-over that wipes leaves everything readable or nothing, and is carried out at the next start"],
  ])("%s: %s", { timeout: 3_600_000 }, async (work) => {
    const { cuts, wrong } = await reportControlCuts(work, 0);
    expect(wrong).toEqual([]);
    expect(cuts).toBeGreaterThan(100);
  });
});
