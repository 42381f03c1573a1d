import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { runKills } from "../../tests/store/kill-runs.ts";
import { type FaultSuite, MOST_WRONG } from "./suite.ts";

/** Kills on the same files; then everything is drained, held to account, and begun anew. */
const ROUND = { quick: 4, full: 100 };

export const killSuite: FaultSuite = {
  fault: "F03",
  name: "kill -9 under load",
  about:
    "A process stores readings from four callers at once, publishes batches and settles them. It is killed at random " +
    "moments, also while it starts, and started again on its files; at the end everything goes to the region.",
  injects: "kill",
  quick: { atLeast: 4, share: 2 },
  full: { atLeast: 1000 },
  run: async ({ seed, mode, atLeast, atMost, isTimeUp, say }, signal) => {
    const chance = createChance(seed).fork("kills");
    const wrong: string[] = [];
    let [injected, taken, lost, altered, doubled] = [0, 0, 0, 0, 0];
    while (injected < atLeast || (injected < atMost && !isTimeUp())) {
      const count = Math.min(ROUND[mode], Math.max(atLeast, atMost) - injected);
      const found = await runKills({ count, seed: chance.whole(1, 2 ** 31) }, signal);
      injected += found.kills;
      taken += found.taken;
      lost += found.lost;
      altered += found.altered;
      doubled += found.doubled;
      wrong.push(...found.wrong.slice(0, MOST_WRONG - wrong.length));
      say(`${injected} kills, ${lost} lost`);
    }
    const counted = { injected, taken, lost, altered, doubled, sentAgain: null, falseAlarms: null };
    return { ...counted, wrong, recoveriesMs: [], cuts: [], timeline: [] };
  },
};
