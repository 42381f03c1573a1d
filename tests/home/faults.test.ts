import { describe, expect, it } from "vitest";
import type { HomeEvent } from "../../hardware-sim/home/home-event.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { NOTHING_LOST, openRealHome } from "./real-home.ts";

const PATIENCE = seconds(60);
const never = new AbortController().signal;
const SENSORS = [
  "scale",
  "cuff",
  "thermometer",
  "spot-oximeter",
  "bathroom-scale",
  "body-scale",
  "glucose-meter",
  "glucose-meter-cable",
];
const KILLS = 20;
/** Moments in the life of a reading at which the hub dies. */
const MOMENTS: readonly HomeEvent["event"][] = ["taken", "stored", "sent", "receipted", "applied"];

describe("nothing is lost and nothing takes effect twice", () => {
  it("when the hub is killed in mid-flow 20 times", { timeout: 240_000 }, async () => {
    const seed = Date.now() % 1_000_000;
    const chance = createChance(seed).fork("kills");
    await using real = await openRealHome({ seed });
    real.home.use("oximeter");
    for (let kill = 0; kill < KILLS; kill++) {
      const moment = MOMENTS[kill % MOMENTS.length] ?? "stored";
      const reached = real.nextOf(moment);
      for (const sensor of SENSORS) if (chance.whole(0, 2) > 0) real.home.use(sensor);
      real.home.use("scale");
      await reached;
      await real.home.hub.kill();
      await real.home.hub.whenReady(AbortSignal.timeout(30_000));
    }
    const summary = await real.home.finish(PATIENCE, never);
    expect(summary, `seed ${seed}`).toMatchObject({ ...NOTHING_LOST, hubStarts: KILLS + 1 });
    expect(summary.receipted).toBeGreaterThanOrEqual(KILLS);
  });

  it("when the network is pulled and silenced while readings are taken", { timeout: 180_000 }, async () => {
    await using real = await openRealHome({ seed: 2 });
    for (const state of ["cut", "silent"] as const) {
      real.home.use("scale");
      await real.nextOf("receipted");
      await real.home.setNetwork(state);
      const before = real.count("stored");
      for (const sensor of SENSORS) real.home.use(sensor);
      await until(() => real.count("stored") >= before + SENSORS.length, "all are stored without a network", 60_000);
      await real.home.setNetwork("up");
    }
    const summary = await real.home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ ...NOTHING_LOST, taken: 2 * (SENSORS.length + 1), hubStarts: 1 });
  });

  it("when the broker restarts three times", { timeout: 180_000 }, async () => {
    await using real = await openRealHome({ seed: 3 });
    for (let restart = 0; restart < 3; restart++) {
      const restarted = real.home.restartBroker(millis(200), never);
      for (const sensor of SENSORS) real.home.use(sensor);
      await restarted;
      await until(() => real.events.findLast(({ event }) => event === "link"), "the hub noticed", 30_000);
    }
    const summary = await real.home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ ...NOTHING_LOST, hubStarts: 1 });
  });

  it("when cables are pulled between and during measurements", { timeout: 180_000 }, async () => {
    await using real = await openRealHome({ seed: 4 });
    real.home.use("spot-oximeter");
    await real.home.setPlugged("spot-oximeter", false);
    await real.home.setPlugged("bathroom-scale", false);
    await real.home.setPlugged("bathroom-scale", true);
    await real.home.setPlugged("spot-oximeter", true);
    const before = real.count("receipted");
    real.home.use("scale");
    await until(() => real.count("receipted") > before, "another sensor is not disturbed", 30_000);
    const summary = await real.home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ lost: 0, altered: 0, duplicatesInEffect: 0, hubStarts: 1, hubExitCode: 0 });
  });
});
