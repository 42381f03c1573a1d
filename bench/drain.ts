import { bridgeDrain } from "./bridged.ts";
import { type Bench, compare, median, quantile } from "./figure.ts";
import type { JobReport } from "./job.ts";
import { openStage } from "./stage.ts";

/** One live reading each: twenty a second, four times what a busy home makes. */
const LIVE_EVERY_MS = 50;
/** Many at a time, to fill the bridge quickly. */
const FEEDING = 64;

const perSecond = ({ count, beganAt, endedAt }: JobReport): number => (count * 1000) / (endedAt - beganAt);

/** What waited goes out, and live readings come in meanwhile. */
export const bench: Bench = {
  name: "drain",
  run: async ({ quick }, signal) => {
    await using stage = await openStage();
    const count = quick ? 5000 : 100_000;
    const rest = await stage.run(
      "ours",
      { tag: "rest", count: quick ? 100 : 400, everyMs: LIVE_EVERY_MS },
      "ours-rest",
      signal,
    );
    await stage.run("ours", { tag: "fill", count }, "ours-drain", signal);
    const ours = await stage.run("ours", { tag: "drain", count, liveEveryMs: LIVE_EVERY_MS }, "ours-drain", signal);
    await stage.run("tuned-script", { tag: "fill", count }, "tuned-drain", signal);
    const tuned = await stage.run(
      "tuned-script",
      { tag: "drain", count, liveEveryMs: LIVE_EVERY_MS },
      "tuned-drain",
      signal,
    );
    const bridge = await bridgeDrain(stage, { count, sensors: FEEDING }, signal);
    const rate = { what: `drain of ${count}`, unit: "readings/s", ours: perSecond(ours) };
    const live = { unit: "ms", peerName: "the same at rest" };
    return [
      compare({ ...rate, peer: bridge.perSecond, peerName: "bridge", goal: { tag: "at-least", times: 3 } }),
      compare({ ...rate, peer: perSecond(tuned), peerName: "tuned script", goal: { tag: "none" } }),
      compare({
        ...live,
        what: "live reading during the drain, p99",
        ours: quantile(ours.latenciesMs, 0.99),
        peer: quantile(rest.latenciesMs, 0.99),
        goal: { tag: "at-most", times: 3 },
        note: `of ${ours.latenciesMs.length} readings`,
      }),
      compare({
        ...live,
        what: "live reading during the drain, p50",
        ours: median(ours.latenciesMs),
        peer: median(rest.latenciesMs),
        goal: { tag: "none" },
      }),
      compare({
        what: "CPU of a reading, draining",
        unit: "us",
        ours: (ours.cpuMs * 1000) / ours.count,
        peer: (tuned.cpuMs * 1000) / tuned.count,
        peerName: "tuned script",
        goal: { tag: "none" },
      }),
    ];
  },
};
