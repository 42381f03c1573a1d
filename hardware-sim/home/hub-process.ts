import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import { childStdio } from "../pty/child-stdio.ts";
import type { Pty } from "../pty/pty.ts";
import { type HubLine, parseHubLine } from "./hub-log.ts";
import type { Outage } from "./truth.ts";

/** A hub that is told to stop stores what it holds and says goodbye; this is far more than it needs. */
const STOP_WITHIN = seconds(15);
/** Last lines of standard error, for the sentence about a hub that does not start. */
const MAX_STDERR_LINES = 20;
const SAMPLE_MEMORY_EVERY = seconds(1);

export type HubEvent =
  | { readonly tag: "started"; readonly pid: number }
  | { readonly tag: "ready"; readonly pid: number }
  | { readonly tag: "line"; readonly line: HubLine; readonly at: Millis }
  | {
      readonly tag: "exited";
      readonly code: number | null;
      readonly signal: string | null;
      readonly expected: boolean;
    };

export interface HubProcessOptions {
  /** Program and its arguments, for example the runtime and `gateway/main.ts run --config FILE`. */
  readonly command: readonly string[];
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Lines whose device end the hub must not inherit. */
  readonly ptys: () => readonly Pty[];
  /** Pause before a hub that ended without being told to is started again. */
  readonly restartAfter: Millis;
  /** Told how the hub ended, and waited for, before it is started again. Never rejects. */
  readonly noteEnd?: (code: number | null, signal: string | null) => Promise<void>;
  readonly observe: (event: HubEvent) => void;
}

/**
 * The real hub as a child process. It is started again whenever it ends without having been told to, as a supervisor
 * would, except when it ends before it was ever ready: then it cannot work, and the reason is in its last words.
 */
export interface HubProcess extends AsyncDisposable {
  readonly pid: number | null;
  readonly ready: boolean;
  readonly starts: number;
  readonly outages: readonly Outage[];
  /** Resident memory of the process in megabytes: in the last sample, and the most in any. */
  readonly rssMb: { readonly now: number; readonly most: number };
  /** Resolves when the hub is ready; rejects with HubError `aborted` when it ends instead. */
  start(signal: AbortSignal): Promise<void>;
  /** kill -9. It comes back after the pause. Resolves when it is gone; does nothing while it is down. */
  kill(): Promise<void>;
  /** Resolves when a hub is ready, at once where one is. */
  whenReady(signal: AbortSignal): Promise<void>;
  /** SIGTERM, and SIGKILL where it does not go. Never starts again. Resolves with the exit code, null where killed. */
  stop(): Promise<number | null>;
}

interface Running {
  readonly child: ChildProcess;
  /** Gone, and everything it said has been read. */
  readonly closed: Promise<void>;
}

const rssMbOf = (pid: number): number => {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return match === null ? 0 : Number(match[1]) / 1024;
  } catch {
    // It ended between the look at the list and the look at the file.
    return 0;
  }
};

const quiet = (promise: Promise<unknown>): Promise<void> =>
  promise.then(
    () => undefined,
    () => undefined,
  );

export const createHubProcess = (options: HubProcessOptions): HubProcess => {
  const { clock, observe } = options;
  const [program = process.execPath, ...args] = options.command;
  const closing = new AbortController();
  const outages: { from: Millis; to: Millis | null }[] = [{ from: clock.elapsed(), to: null }];
  const waiters = new Set<PromiseWithResolvers<void>>();
  const stderr: string[] = [];
  let running: Running | null = null;
  let ready = false;
  let everReady = false;
  let starts = 0;
  let stopping = false;
  let most = 0;
  let now = 0;
  let restarting: Promise<void> = Promise.resolve();
  let failure: HubError | null = null;

  const becameReady = (pid: number): void => {
    ready = true;
    everReady = true;
    const outage = outages.at(-1);
    if (outage !== undefined) outage.to ??= clock.elapsed();
    for (const waiter of waiters) waiter.resolve();
    observe({ tag: "ready", pid });
  };

  const failed = (error: HubError): void => {
    failure = error;
    for (const waiter of waiters) waiter.reject(error);
  };

  const restart = async (code: number | null, signal: string | null): Promise<void> => {
    await options.noteEnd?.(code, signal);
    await clock.sleep(options.restartAfter, closing.signal);
    launch();
  };

  const exited = (code: number | null, signal: string | null): void => {
    running = null;
    ready = false;
    if (outages.at(-1)?.to !== null) outages.push({ from: clock.elapsed(), to: null });
    observe({ tag: "exited", code, signal, expected: stopping });
    if (stopping) return;
    if (everReady) {
      restarting = quiet(restart(code, signal));
      return;
    }
    const words = stderr.join(" ").trim() || "it said nothing";
    failed(new HubError("aborted", `hub: ended before it was ready (${signal ?? `exit code ${code}`}): ${words}`));
  };

  const listen = (child: ChildProcess, pid: number): void => {
    if (child.stdout === null || child.stderr === null) return;
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = parseHubLine(text);
      if (line.tag === "ready" && running?.child === child) becameReady(pid);
      observe({ tag: "line", line, at: clock.elapsed() });
    });
    createInterface({ input: child.stderr }).on("line", (text) => {
      if (stderr.push(text) > MAX_STDERR_LINES) stderr.shift();
    });
  };

  const launch = (): void => {
    const child = spawn(program, args, {
      // A session of its own: Ctrl-C in the terminal is for the simulator, which then stops the hub in order.
      detached: true,
      env: { ...process.env, ...options.env },
      stdio: childStdio(options.ptys(), ["ignore", "pipe", "pipe"]),
    });
    const closed = new Promise<void>((resolve) => {
      child.once("error", (error) => {
        running = null;
        failed(new HubError("aborted", `hub: ${program} cannot be started (${error.message})`, { cause: error }));
        resolve();
      });
      child.once("close", (code, signal) => {
        exited(code, signal);
        resolve();
      });
    });
    running = { child, closed };
    if (child.pid === undefined) return;
    starts += 1;
    observe({ tag: "started", pid: child.pid });
    listen(child, child.pid);
  };

  const whenReady = async (signal: AbortSignal): Promise<void> => {
    if (failure !== null) throw failure;
    if (ready) return;
    signal.throwIfAborted();
    const waiter = Promise.withResolvers<void>();
    const onAbort = (): void => waiter.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    waiters.add(waiter);
    try {
      await waiter.promise;
    } finally {
      waiters.delete(waiter);
      signal.removeEventListener("abort", onAbort);
    }
  };

  const sample = (): void => {
    const pid = running?.child.pid;
    if (pid === undefined) return;
    now = rssMbOf(pid);
    most = Math.max(most, now);
  };

  const sampleForEver = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(SAMPLE_MEMORY_EVERY, closing.signal);
      sample();
    }
  };
  const sampling = quiet(sampleForEver());

  /** The last resort: whatever ends this process also ends the hub. */
  const onExit = (): void => {
    running?.child.kill("SIGKILL");
  };
  process.on("exit", onExit);

  const stop = async (): Promise<number | null> => {
    stopping = true;
    sample();
    closing.abort();
    await restarting;
    await sampling;
    const last = running;
    if (last !== null) {
      const enough = new AbortController();
      const late = clock.sleep(STOP_WITHIN, enough.signal).then(() => last.child.kill("SIGKILL"));
      last.child.kill("SIGTERM");
      await last.closed;
      enough.abort();
      await quiet(late);
    }
    process.off("exit", onExit);
    return last?.child.exitCode ?? null;
  };

  return {
    get pid() {
      return running?.child.pid ?? null;
    },
    get ready() {
      return ready;
    },
    get starts() {
      return starts;
    },
    outages,
    get rssMb() {
      return { now, most };
    },
    start: (signal) => {
      launch();
      return whenReady(signal);
    },
    kill: async () => {
      const victim = running;
      if (victim === null) return;
      victim.child.kill("SIGKILL");
      await victim.closed;
    },
    whenReady,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
};
