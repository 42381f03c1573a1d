import { type Bench, compare, type Figure, median } from "./figure.ts";
import { FRAME_SERIES } from "./frames.ts";
import { type Workload, workloadOf } from "./workload.ts";

/** Readings of one turn: some 10 ms, long next to the clock's resolution, short next to a scheduler's slice. */
const FRAMES = 2000;
/** Turns that are not counted, in which V8 compiles. */
const WARM_UP = 10;

const secondsOf = (work: () => number): number => {
  const start = process.hrtime.bigint();
  if (work() === 0) throw new Error("bench: nothing was made");
  return Number(process.hrtime.bigint() - start) / 1e9;
};

const measure = (workload: Workload, rounds: number): Figure => {
  const made: number[] = [];
  const parsed: number[] = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    const [making, parsing] = [secondsOf(workload.normaliseAll), secondsOf(workload.parseAll)];
    if (round < 0) continue;
    made.push(workload.readings / making);
    parsed.push(workload.readings / parsing);
  }
  const [ours, peer] = [median(made), median(parsed)];
  return compare({
    what: `decode and normalise, ${workload.name}`,
    ours,
    peer,
    peerName: "JSON.parse",
    unit: "readings/s",
    goal: { tag: "at-least", times: 0.5 },
  });
};

/**
 * How fast bytes become readings: decode and normalise, on one core, next to JSON.parse of the same readings. The two
 * take turns in the same process, so that a slow or a busy machine slows both; medians count.
 */
export const bench: Bench = {
  name: "decode-normalise",
  run: async ({ quick }) =>
    FRAME_SERIES.map((series) => {
      const workload = workloadOf(series, FRAMES);
      if (workload === null) throw new Error(`bench: no driver ${series.driver}`);
      return measure(workload, quick ? 7 : 31);
    }),
};
