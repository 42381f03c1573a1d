/*
 * How fast bytes become readings: decode and normalise, on one core, next to JSON.parse of the same readings.
 *
 *   node bench/decode-normalise.ts [--json] [--rounds 31]
 *
 * The two take turns in the same process, so that a slow or a busy machine slows both; medians are shown. The ratio says
 * how many readings are made while one is parsed: it compares machines and days, the absolute numbers do not.
 */
import { parseArgs } from "node:util";
import { FRAME_SERIES } from "./frames.ts";
import { type Workload, workloadOf } from "./workload.ts";

/** Readings of one turn: some 10 ms, long next to the clock's resolution, short next to a scheduler's slice. */
const FRAMES = 2000;
/** Turns that are not counted, in which V8 compiles. */
const WARM_UP = 10;

interface Result {
  readonly name: string;
  readonly bytes: number;
  readonly normalisedPerSecond: number;
  readonly parsedPerSecond: number;
  readonly ratio: number;
}

const secondsOf = (work: () => number): number => {
  const start = process.hrtime.bigint();
  if (work() === 0) throw new Error("bench: nothing was made");
  return Number(process.hrtime.bigint() - start) / 1e9;
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const measure = (workload: Workload, rounds: number): Result => {
  const made: number[] = [];
  const parsed: number[] = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    const [making, parsing] = [secondsOf(workload.normaliseAll), secondsOf(workload.parseAll)];
    if (round < 0) continue;
    made.push(workload.readings / making);
    parsed.push(workload.readings / parsing);
  }
  const [normalisedPerSecond, parsedPerSecond] = [median(made), median(parsed)];
  const { name, bytes } = workload;
  return { name, bytes, normalisedPerSecond, parsedPerSecond, ratio: normalisedPerSecond / parsedPerSecond };
};

const thousands = (perSecond: number): string => `${(perSecond / 1000).toFixed(0)} k/s`;

const row = (cells: readonly string[]): string =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(22) : cell.padStart(16))).join("");

const { values: options } = parseArgs({ options: { json: { type: "boolean" }, rounds: { type: "string" } } });
const rounds = Number(options.rounds ?? 31);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`--rounds ${JSON.stringify(options.rounds)}: give a whole number of 1 or more\n`);
  process.exit(2);
}

const results: Result[] = [];
const absent: string[] = [];
for (const series of FRAME_SERIES) {
  const workload = workloadOf(series, FRAMES);
  if (workload === null) absent.push(`${series.name} (${series.driver})`);
  else results.push(measure(workload, rounds));
}

if (options.json === true) {
  process.stdout.write(`${JSON.stringify({ node: process.version, frames: FRAMES, rounds, results, absent })}\n`);
} else {
  const lines = [
    row(["kind", "decode+normalise", "JSON.parse", "ratio", "bytes"]),
    ...results.map((one) =>
      row([
        one.name,
        thousands(one.normalisedPerSecond),
        thousands(one.parsedPerSecond),
        one.ratio.toFixed(2),
        String(one.bytes),
      ]),
    ),
    ...absent.map((name) => `no driver yet: ${name}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
