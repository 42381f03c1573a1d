// `npm run test:fuzz -- --minutes 10 [--seed N]`: hostile bytes for every decoder, driver and framer. Prints progress, and
// at the end one JSON line. Exit 1 at the first failure, which is printed with what is needed to see it again.
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decodeKinds } from "../../drivers/decode/kinds.ts";
import { driverIds } from "../../drivers/registry.ts";
import { framerSubjects } from "./framer-subjects.ts";
import { createFuzzer } from "./fuzz.ts";

const PROGRESS_EVERY_MS = 30_000;
/** Rounds between two looks at the clock. */
const ROUNDS = 20;
/** What the heap may grow from the first collection to the last: lists of results and warmed-up code. */
const MOST_GROWTH_MB = 16;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  process.stderr.write("fuzz: give --minutes as a number above 0 and --seed as a whole number\n");
  process.exit(2);
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heapMb = (): number => {
  collect();
  return Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10;
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const fuzzer = createFuzzer(seed);
const { counts } = fuzzer;
say(
  `fuzz: seed ${seed}, ${minutes} min, ${decodeKinds.length} kinds, ${driverIds.length} drivers, ${framerSubjects.length} framers`,
);
const startedAt = performance.now();
const elapsed = (): number => performance.now() - startedAt;
const inputs = (): number => counts.decoderInputs + counts.driverInputs + counts.framerInputs + counts.resyncTrials;

let crashes = 0;
let heapStart = 0;
let nextProgress = 0;
while (elapsed() < minutes * 60_000 && crashes === 0) {
  for (let i = 0; i < ROUNDS && crashes === 0; i++) {
    for (const { subject, found, hex, pieces } of fuzzer.round()) {
      crashes += 1;
      say(JSON.stringify({ failure: subject, found, hex, pieces, seed }));
    }
  }
  if (elapsed() < nextProgress) continue;
  nextProgress += PROGRESS_EVERY_MS;
  const heap = heapMb();
  if (heapStart === 0) heapStart = heap;
  say(
    `fuzz: ${Math.round(elapsed() / 1000)} s, ${inputs()} inputs, heap ${heap} MB, slowest ${counts.slowestMs.toFixed(1)} ms`,
  );
}
const heapEnd = heapMb();
const isGrowing = heapEnd - heapStart > MOST_GROWTH_MB;
if (isGrowing) say(`fuzz: the heap grew from ${heapStart} to ${heapEnd} MB, at most ${MOST_GROWTH_MB} MB are allowed`);
say(
  JSON.stringify({
    inputs: inputs(),
    seconds: Math.round(elapsed() / 1000),
    crashes,
    seed,
    ...counts,
    slowestMs: Math.round(counts.slowestMs * 10) / 10,
    heapStartMb: heapStart,
    heapEndMb: heapEnd,
    kinds: decodeKinds.length,
    drivers: driverIds.length,
    framers: framerSubjects.length,
  }),
);
process.exitCode = crashes === 0 && !isGrowing ? 0 : 1;
