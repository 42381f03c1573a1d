import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { type Chance, createChance } from "../../hardware-sim/radio/seeded.ts";
import { createReadingValidator, type ReadingValidator } from "../../protocol/validate.ts";
import { type Aftermath, afterLinkFault } from "./after-fault.ts";
import { createFarEnd, liveOverBadLink } from "./bad-link.ts";
import { outsideOf } from "./outside.ts";
import { type FaultSuite, MOST_WRONG } from "./suite.ts";

/** Of one life. */
const STARTS = 3;
const TROUBLES = 6;

/** One life of a hub over a bad link, on a disk of its own, and what came of it at the region. */
const live = async (chance: Chance, validate: ReadingValidator): Promise<Aftermath> => {
  const directory = await mkdtemp(join(tmpdir(), "hemhub-link-"));
  try {
    const lines: string[] = [];
    const clock = createSimulatedClock();
    const say = (line: string): void => void lines.push(line);
    {
      await using farEnd = createFarEnd(clock, say);
      await liveOverBadLink({ directory, clock, farEnd, chance, say, starts: STARTS, troubles: TROUBLES });
    }
    return await afterLinkFault(directory, outsideOf(lines), validate);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

export const linkSuite: FaultSuite = {
  fault: "F30",
  name: "lost acknowledgements, lost receipts, restarts",
  about:
    "Readings are acknowledged to sensors and published over a link that loses acknowledgements of the broker, messages, " +
    "receipts and connections, in random order with restarts between. At the end the link is well, and the effects at a " +
    "region that de-duplicates by id are counted by the sensors' own bytes.",
  injects: "trouble",
  quick: { atLeast: 2 * STARTS * TROUBLES, share: 1 },
  full: { atLeast: 200 * STARTS * TROUBLES },
  run: async ({ seed, atLeast, atMost, isTimeUp, say }, signal) => {
    const chance = createChance(seed).fork("lives");
    const validate = createReadingValidator();
    const wrong: string[] = [];
    let [injected, taken, lost, altered, doubled, sentAgain, falseAlarms] = [0, 0, 0, 0, 0, 0, 0];
    for (let life = 1; injected < atLeast || (injected < atMost && !isTimeUp()); life += 1) {
      signal.throwIfAborted();
      const found = await live(chance.fork(`life ${life}`), validate);
      injected += STARTS * TROUBLES;
      taken += found.taken;
      lost += found.lost;
      altered += found.altered;
      doubled += found.doubled;
      sentAgain += found.sentAgain;
      if (found.falseAlarm) falseAlarms += 1;
      const isGood = found.lost + found.altered + found.doubled + found.broken.length === 0;
      const counts = `${found.lost} lost, ${found.altered} altered, ${found.doubled} doubled`;
      if (!isGood && wrong.length < MOST_WRONG) wrong.push([`life ${life}: ${counts}`, ...found.broken].join("; "));
      if (life % 10 === 0) say(`${injected} troubles, ${lost} lost`);
    }
    const counted = { injected, taken, lost, altered, doubled, sentAgain, falseAlarms };
    return { ...counted, wrong, recoveriesMs: [], cuts: [], timeline: [] };
  },
};
