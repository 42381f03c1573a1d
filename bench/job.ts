import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * What a program of the bench does with readings, the same for ours and for its peers.
 * busy: `sensors` of them give one reading after the other, each as soon as the last one is stored, `count` in all
 * after `warmUp` that are not measured.
 * rest: one reading each `everyMs`.
 * fill: `count` readings into the store, without a network.
 * drain: what is stored goes out; with one live reading each `liveEveryMs` meanwhile (null: none).
 * idle: connect, and wait to be stopped.
 */
export type Job =
  | { readonly tag: "busy"; readonly sensors: number; readonly warmUp: number; readonly count: number }
  | { readonly tag: "rest"; readonly count: number; readonly everyMs: number }
  | { readonly tag: "fill"; readonly count: number }
  | { readonly tag: "drain"; readonly count: number; readonly liveEveryMs: number | null }
  | { readonly tag: "idle" };

export interface ProgramConfig {
  readonly url: string;
  /** PEM files. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** Client id; what it publishes goes to `topic`. */
  readonly clientId: string;
  readonly topic: string;
  /** For its store, which stays there between jobs. */
  readonly folder: string;
  /** A reading as JSON, for programs that make none of frames. */
  readonly reading: string;
  readonly job: Job;
}

/** What a program says at the end of its job; times of `process.hrtime`, which all processes share, in milliseconds. */
export interface JobReport {
  readonly count: number;
  readonly beganAt: number;
  /** When the last PUBACK came. */
  readonly endedAt: number;
  /** Of the program's own process meanwhile. */
  readonly cpuMs: number;
  /** Of each reading of `rest`, each live one of `drain`: from taking it to its PUBACK. */
  readonly latenciesMs: readonly number[];
}

/** Milliseconds on the clock that reports are written in. */
export const hrMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** One line of a program's standard output. */
export type ProgramLine =
  | { readonly event: "connected" }
  /** The first PUBACK, or the first that the job asked for. */
  | { readonly event: "acknowledged" }
  /** A feeder gives a reading at this moment. */
  | { readonly event: "given"; readonly at: number }
  | ({ readonly event: "done" } & JobReport);

export interface StartOptions {
  readonly nodeOptions?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: ProgramLine) => void;
}

/** Run a program with its configuration as its only argument; resolves with its report. */
export const runProgram = async (
  program: string,
  config: ProgramConfig,
  signal: AbortSignal,
  options: StartOptions = {},
): Promise<JobReport> => {
  const { nodeOptions = [], environment = {}, onLine } = options;
  const child = spawn(process.execPath, [...nodeOptions, program, JSON.stringify(config)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const stop = (): void => {
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", stop, { once: true });
  let report: JobReport | null = null;
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as ProgramLine;
    onLine?.(line);
    if (line.event === "done") report = line;
  });
  const [code] = (await once(child, "close")) as [number | null];
  signal.removeEventListener("abort", stop);
  if (report === null) throw new Error(`${program}: ended with ${code ?? "a signal"} and without a report`);
  return report;
};
