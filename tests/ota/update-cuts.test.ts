import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { mountable } from "./mountable.ts";
import { createUpdateScene, recordUpdates, reportUpdateCuts } from "./update-after-cut.ts";

const cc = requirement("cc");
const mount = mountable();
const required = cc.available ? mount : cc;

/** The first is prime, so that over the recording every kind of operation is met; all are in power-cut.faults.ts. */
const SAMPLED = { every: 61, restEvery: 4 };

describe.skipIf(!required.available)(titled("F47: when the power is cut during a whole update", required), () => {
  it("the hub starts the old release or the new one, with every reading, and comes to rest with what the region wants", async () => {
    await using scene = await createUpdateScene();
    const { cuts, promised, wrong } = await reportUpdateCuts(await recordUpdates(scene), scene, SAMPLED);
    expect(wrong).toEqual([]);
    expect(cuts).toBeGreaterThan(30);
    expect(promised).toBeGreaterThan(300);
  }, 120_000);
});
