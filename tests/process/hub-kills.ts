import { stat } from "node:fs/promises";
import path from "node:path";
import { JOURNAL_LIMIT } from "../../gateway/store/database-file.ts";
import { createRealClock } from "../../hardware-sim/clock/real-clock.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { openRealHome } from "../home/real-home.ts";
import type { KillPlan, KillReport } from "../store/kill-runs.ts";
import { bundledHub } from "../support/bundled.ts";
import { until } from "../support/until.ts";

/** One measurement at a time; the worn oximeter streams throughout. */
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

const PATIENCE = seconds(90);
/** A hub that is not ready, or sees nothing, this long after it started is stuck. */
const STUCK_AFTER = 60_000;
const LARGEST_JOURNAL = 2 * JOURNAL_LIMIT;

/** In a tenth of the lives the hub dies while it starts; else after so many more events in the home. */
const MOST_EVENTS = 15;

/**
 * kill -9 of the whole hub, as it is shipped, in a simulated home with a region behind TLS: while it starts, takes,
 * stores, sends, and applies receipts. Rejects with the signal's reason.
 */
export const runHubKills = async ({ count, seed }: KillPlan, signal: AbortSignal): Promise<KillReport> => {
  const chance = createChance(seed).fork("hub kills");
  const clock = createRealClock();
  const wrong: string[] = [];
  await using program = await bundledHub();
  await using real = await openRealHome({ seed, hub: [process.execPath, program.file], restartAfter: millis(10) });
  const { home, events } = real;
  const journal = path.join(path.dirname(home.configFile), "data", "outbox", "outbox.db-wal");

  home.use("oximeter");
  for (let kill = 1; kill <= count; kill += 1) {
    signal.throwIfAborted();
    if (chance.happens(0.1)) {
      await home.hub.kill();
      await until(() => home.hub.pid !== null, "the hub is started again", STUCK_AFTER);
      await clock.sleep(millis(chance.whole(1, 300)), signal);
    } else {
      await home.hub.whenReady(AbortSignal.any([signal, AbortSignal.timeout(STUCK_AFTER)]));
      const enough = events.length + chance.whole(1, MOST_EVENTS);
      home.use("scale");
      for (const sensor of SPOT) if (chance.happens(0.5)) home.use(sensor);
      const reached = until(
        () => events.length >= enough,
        `the home goes on (seed ${seed}, kill ${kill})`,
        STUCK_AFTER,
      );
      await reached.catch((thrown: unknown) => wrong.push(String(thrown)));
    }
    await home.hub.kill();
    const { size } = await stat(journal).catch(() => ({ size: 0 }));
    if (size > LARGEST_JOURNAL) wrong.push(`seed ${seed}, kill ${kill}: the journal has ${size} bytes`);
  }
  await home.hub.whenReady(signal);
  const summary = await home.finish(PATIENCE, signal);
  return {
    kills: summary.hubStarts - 1,
    taken: summary.taken,
    lost: summary.lost,
    doubled: summary.duplicatesInEffect,
    altered: summary.altered,
    wrong: [...wrong, ...summary.problems],
  };
};
