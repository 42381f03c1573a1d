import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { growing, type Limits, type Sample } from "./growth.ts";

const PROGRAM = join(import.meta.dirname, "year-program.ts");

export interface YearOptions {
  readonly days: number;
  /** Readings of a day. */
  readonly aDay: number;
  readonly seed: number;
  readonly leak?: boolean;
  readonly deadlineMs: number;
}

export interface YearResult {
  readonly measured: number;
  readonly first: number;
  readonly newest: number;
  readonly waiting: number;
  readonly refused: number;
  readonly status: { readonly stored: number; readonly invalid: number; readonly held: number };
  readonly region: {
    readonly effects: number;
    readonly duplicates: number;
    readonly connects: number;
    readonly through: number;
  };
  readonly samples: readonly Sample[];
  /** Sleepers that are left when every part has stopped. */
  readonly sleeping: number;
}

/** Run the year in a process of its own, whose memory is nobody else's. */
export const liveThroughAYear = async ({
  days,
  aDay,
  seed,
  leak = false,
  deadlineMs,
}: YearOptions): Promise<YearResult> => {
  const args = ["--expose-gc", PROGRAM, "--days", String(days), "--a-day", String(aDay), "--seed", String(seed)];
  const { stdout } = await promisify(execFile)(process.execPath, leak ? [...args, "--leak"] : args, {
    timeout: deadlineMs,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as YearResult;
};

/** Days after which caches and the compiler have what they will have. */
const WARM_UP = 0.3;

export const leaksOf = ({ samples }: YearResult, limits: Limits): readonly string[] =>
  growing(samples.slice(Math.floor(samples.length * WARM_UP)), limits);

/** Every reading once in effect, under rising numbers, and nothing left behind when it ends. */
export const expectSoundYear = (year: YearResult): void => {
  const { measured, first, region } = year;
  expect(year.status).toMatchObject({ stored: measured, invalid: 0, held: 0 });
  expect(year).toMatchObject({ waiting: 0, refused: 0, newest: first + measured, sleeping: 0 });
  expect(region).toMatchObject({ effects: measured, through: first + measured });
};
