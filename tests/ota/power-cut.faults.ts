import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { recordChecks, reportCheckCuts, statesOfRegion } from "./check-after-cut.ts";

const cc = requirement("cc");

describe.skipIf(!cc.available)(
  titled("F47: when the power is cut at any operation of a check or a download", cc),
  () => {
    it("the hub starts, is not stuck, and takes nothing older than it had", async () => {
      const states = statesOfRegion();
      const { cuts, wrong } = await reportCheckCuts(await recordChecks(states), states, 1);
      expect(wrong).toEqual([]);
      expect(cuts).toBeGreaterThan(300);
    });
  },
);
