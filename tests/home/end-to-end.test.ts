import { describe, expect, it } from "vitest";
import type { OutsideBroker, StartBroker } from "../../hardware-sim/home/region-side.ts";
import { seconds } from "../../protocol/time.ts";
import { startMosquittoOn } from "../support/mosquitto.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { NOTHING_LOST, openRealHome } from "./real-home.ts";

const PATIENCE = seconds(40);
const never = new AbortController().signal;

/** Everything with one measurement at a time; the worn oximeter streams as long as it is on. */
const SPOT = [
  "scale",
  "cuff",
  "thermometer",
  "spot-oximeter",
  "bathroom-scale",
  "body-scale",
  "glucose-meter",
  "glucose-meter-cable",
];

const everySensorOnce = async (startBroker?: StartBroker): Promise<void> => {
  await using real = await openRealHome(startBroker === undefined ? {} : { startBroker });
  for (const sensor of [...SPOT, "oximeter"]) real.home.use(sensor);
  const heard = (): Set<string | null> =>
    new Set(real.events.flatMap((one) => (one.event === "receipted" ? [one.sensor] : [])));
  await until(() => heard().size === SPOT.length + 1, "every sensor has a receipt", 60_000);
  const summary = await real.home.finish(PATIENCE, never);
  expect(summary).toMatchObject(NOTHING_LOST);
  expect(summary.taken).toBeGreaterThanOrEqual(SPOT.length + 1);
  expect(summary.receipted).toBe(summary.stored);
};

describe("a reading from sensor bytes to receipt, over real ptys, the noble stack and TLS", () => {
  it("arrives from every sensor at the embedded broker (MQTT 3.1.1)", { timeout: 120_000 }, async () => {
    await everySensorOnce();
  });

  const { available, reason } = requirement("mosquitto");
  it.skipIf(!available)(
    `arrives from every sensor at a Mosquitto with client certificates and access control (MQTT 5)${reason === null ? "" : ` [skipped: ${reason}]`}`,
    { timeout: 120_000 },
    async () => {
      await everySensorOnce(async (files): Promise<OutsideBroker> => await startMosquittoOn(files));
    },
  );
});
