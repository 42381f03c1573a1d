import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { reportControlCuts } from "./support/control-cuts.ts";

const cc = requirement("cc");

describe.skipIf(!cc.available)(titled("F53, R22: when the power is cut while a hub is given on and wiped", cc), () => {
  it("everything is readable or nothing is, and the next start carries it out", { timeout: 120_000 }, async () => {
    const { cuts, wrong } = await reportControlCuts("both", 12);
    expect(wrong).toEqual([]);
    expect(cuts).toBeGreaterThan(12);
  });
});
