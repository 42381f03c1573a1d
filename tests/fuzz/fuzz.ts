import { decodeKinds } from "../../drivers/decode/kinds.ts";
import { driverIds, driverOf } from "../../drivers/registry.ts";
import { type Chance, createChance } from "../../hardware-sim/radio/seeded.ts";
import { toHex } from "../../protocol/bytes.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { checkDecoder, checkFraming, checkResync, framerInput, missedAfter, type Verdict } from "./checks.ts";
import { channelsOf, checkDriver } from "./driver-check.ts";
import { framerSubjects } from "./framer-subjects.ts";
import { cutAtRandom, hostile } from "./mutate.ts";
import { allSamples, samplesOf } from "./samples.ts";

/** Longest time that one input may take: they take microseconds. */
const MOST_MS_PER_INPUT = 1000;
/** An input that took longer is tried again so often: a machine under load stops anywhere, a slow input is slow again. */
const MORE_TRIES = 3;

/** What went wrong, and all that is needed to see it again. */
export interface FuzzFailure {
  readonly subject: string;
  readonly found: string;
  readonly hex: string;
  /** Where a stream was cut: lengths of its pieces. */
  readonly pieces: readonly number[];
}

export interface FuzzCounts {
  decoderInputs: number;
  driverInputs: number;
  framerInputs: number;
  resyncTrials: number;
  /** Frames missed after noise in the resynchronisation trials, by how many: 0, 1, 2 ... */
  readonly missed: number[];
  slowestMs: number;
}

export interface Fuzzer {
  /** One input for each decoder, driver and framer. The failures that they showed. */
  round(): readonly FuzzFailure[];
  readonly counts: FuzzCounts;
}

/** A sentence for whatever a check throws: nothing here may throw. */
const attempt = (check: () => Verdict): Verdict => {
  try {
    return check();
  } catch (thrown) {
    return `threw ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  }
};

/** Rounds of hostile input, the same for the same seed. */
export const createFuzzer = (seed: number): Fuzzer => {
  const chance: Chance = createChance(seed);
  const validate = createReadingValidator();
  const drivers = driverIds.map((id) => driverOf(id)).filter((driver) => driver !== undefined);
  const samples = new Map(decodeKinds.map((kind) => [kind, samplesOf(kind)]));
  const counts: FuzzCounts = {
    decoderInputs: 0,
    driverInputs: 0,
    framerInputs: 0,
    resyncTrials: 0,
    missed: [],
    slowestMs: 0,
  };

  /** The verdict on one input, with its time. */
  const timed = (check: () => Verdict): Verdict => {
    let fastest = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries <= MORE_TRIES && fastest > MOST_MS_PER_INPUT; tries++) {
      const before = performance.now();
      const found = attempt(check);
      if (found !== null) return found;
      fastest = Math.min(fastest, performance.now() - before);
    }
    counts.slowestMs = Math.max(counts.slowestMs, fastest);
    return fastest > MOST_MS_PER_INPUT ? `took ${Math.round(fastest)} ms` : null;
  };

  return {
    counts,
    round: () => {
      const failures: FuzzFailure[] = [];
      const judge = (subject: string, pieces: readonly Uint8Array[], check: () => Verdict): void => {
        const found = timed(check);
        if (found === null) return;
        const hex = pieces.map(toHex).join("");
        failures.push({ subject, found, hex, pieces: pieces.map((one) => one.length) });
      };
      for (const kind of decodeKinds) {
        const bytes = hostile(samples.get(kind) ?? [], allSamples, chance);
        counts.decoderInputs += 1;
        judge(`decode ${kind}`, [bytes], () => checkDecoder(kind, bytes));
      }
      for (const driver of drivers) {
        const channels = channelsOf(driver);
        const channel = channels[chance.whole(0, channels.length - 1)];
        if (channel === undefined) continue;
        const own = driver.transport === "ble" ? (samples.get(`ble.${channel}`) ?? []) : allSamples;
        const bytes = hostile(own, allSamples, chance);
        counts.driverInputs += 1;
        judge(`driver ${driver.id} ${channel}`, [bytes], () => checkDriver(driver, channel, bytes, validate));
      }
      for (const subject of framerSubjects) {
        const pieces = cutAtRandom(framerInput(subject, allSamples, chance), chance);
        counts.framerInputs += 1;
        judge(`frame ${subject.name}`, pieces, () => checkFraming(subject, pieces));
        const noise = framerInput(subject, allSamples, chance);
        counts.resyncTrials += 1;
        judge(`resync ${subject.name}`, [noise], () => checkResync(subject, noise, chance));
        const missed = missedAfter(subject, noise, [...subject.frames, ...subject.frames, ...subject.frames]);
        counts.missed[missed] = (counts.missed[missed] ?? 0) + 1;
      }
      return failures;
    },
  };
};
