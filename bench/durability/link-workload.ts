import { openSync, writeSync } from "node:fs";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { createFarEnd, liveOverBadLink } from "./bad-link.ts";

/**
 * A process to be recorded: `link-workload.ts DIRECTORY ACKS STARTS SEED`. The real outbox and forwarder over a bad link;
 * what the world outside gets to know goes to ACKS, in the lines of bad-link.ts.
 */
const [directory = "", acks = "", starts = "2", seed = "1"] = process.argv.slice(2);
const file = openSync(acks, "a");
const say = (line: string): void => {
  writeSync(file, `${line}\n`);
};
const clock = createSimulatedClock();
await using farEnd = createFarEnd(clock, say);
const chance = createChance(Number(seed)).fork("link");
await liveOverBadLink({ directory, clock, farEnd, chance, say, starts: Number(starts), troubles: 5 });
