import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { mountable } from "./mountable.ts";
import { createUpdateScene, recordUpdates, reportUpdateCuts } from "./update-after-cut.ts";

const cc = requirement("cc");
const mount = mountable();
const required = cc.available ? mount : cc;

/** Prime, so that over the recording every kind of operation is met; all of them are in power-cut.faults.ts. */
const EVERY = 67;

describe.skipIf(!required.available)(titled("F47: when the power is cut during a whole update", required), () => {
  it("the hub starts the old release or the new one, and comes to rest with what the region wants", async () => {
    await using scene = await createUpdateScene();
    const { cuts, wrong } = await reportUpdateCuts(await recordUpdates(scene), scene, EVERY);
    expect(wrong).toEqual([]);
    expect(cuts).toBeGreaterThan(10);
  }, 120_000);
});
