import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { recordChecks, reportCheckCuts, statesOfRegion } from "./check-after-cut.ts";
import { mountable } from "./mountable.ts";
import { createUpdateScene, recordUpdates, reportUpdateCuts } from "./update-after-cut.ts";

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

const mount = mountable();
const required = cc.available ? mount : cc;

describe.skipIf(!required.available)(
  titled("F47: when the power is cut at any operation of a whole update", required),
  () => {
    it("the hub starts the old release or the new one, with every reading, and comes to rest with what the region wants", async () => {
      await using scene = await createUpdateScene();
      const every = { every: 1, restEvery: 1 };
      const { cuts, promised, wrong } = await reportUpdateCuts(await recordUpdates(scene), scene, every);
      expect(wrong).toEqual([]);
      expect(cuts).toBeGreaterThan(1000);
      expect(promised).toBeGreaterThan(10_000);
    }, 3_600_000);
  },
);
