import { expect, it } from "vitest";
import { startHub } from "../gateway/support/test-hub.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { HUB } from "./support/link.ts";
import { CLOCKS, clockThatSays, openRegion } from "./support/region.ts";

const faketime = requirement("faketime");
/** Starting a process, making keys and several handshakes, on a machine that is busy. */
const PATIENCE = 30_000;

it.skipIf(!faketime.available).each(CLOCKS)(
  titled(
    "F20: a hub that starts %s has the time proven by its region, connects, and says that its clock is wrong",
    faketime,
  ),
  { timeout: 3 * PATIENCE },
  async (_, clock) => {
    await using region = await openRegion();
    await using hub = await startHub({ region: region.region }, [], clockThatSays(clock));
    await until(() => region.broker.clients.includes(HUB), "the broker has the hub", PATIENCE);
    expect(region.time.asked).toBeGreaterThan(0);
    await until(() => hub.log.some(({ msg }) => msg === "link up"), "the hub says so", PATIENCE);
    expect(hub.log).toContainEqual(expect.objectContaining({ msg: "time proven by the region" }));
    expect(hub.log).toContainEqual(expect.objectContaining({ msg: "event", event: "clock-fault" }));
    expect(hub.log.filter(({ omitted }) => omitted !== undefined)).toEqual([]);
  },
);
