import { execFile } from "node:child_process";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis, minutes } from "../../protocol/time.ts";
import { boundAfter, type SourceAnswer, UNKNOWN_DRIFT } from "./synchronisation.ts";

/**
 * Programs that print what adjtimex(2) returns; Node has no way to that call. busybox is on every Debian image
 * (initramfs), the other is a package of its own. Full paths: nothing that lies in PATH is run.
 */
const PROGRAMS: readonly (readonly [file: string, ...args: string[]])[] = [
  ["/bin/busybox", "adjtimex"],
  ["/usr/bin/busybox", "adjtimex"],
  ["/sbin/adjtimex", "--print"],
];

/** Starting a program costs a small board 10 ms of its processor: 0.003 % of five minutes. */
const ASK_EVERY = minutes(5);
const PATIENCE_MS = 2000;
const LARGEST_ANSWER = 8192;

/** STA_UNSYNC of <linux/timex.h>: no daemon keeps the clock, or its last word is too old. */
const STA_UNSYNC = 0x40;

/** What `adjtimex` printed: the kernel's own bound, which its daemon sets and the kernel grows by 500 ppm. */
export const readAdjtimex = (text: string): SourceAnswer => {
  const numberAfter = (label: string): number =>
    Number(new RegExp(`^\\s*${label}:\\s*(-?\\d{1,12})\\b`, "m").exec(text)?.[1] ?? Number.NaN);
  const [status, maxError] = [numberAfter("status"), numberAfter("maxerror")];
  if (!Number.isFinite(status) || !Number.isFinite(maxError) || maxError < 0) {
    return { tag: "silent", why: "adjtimex printed neither status nor maxerror" };
  }
  if ((status & STA_UNSYNC) !== 0) return { tag: "unsynchronised", why: "the kernel's clock is not kept (STA_UNSYNC)" };
  return {
    tag: "synchronised",
    sync: {
      source: "kernel",
      reference: null,
      stratum: null,
      boundMs: maxError / 1000,
      drift: UNKNOWN_DRIFT,
      ageMs: millis(0),
      comparison: 0,
    },
  };
};

export type RunProgram = (file: string, args: readonly string[]) => Promise<string>;

const runProgram: RunProgram = (file, args) =>
  new Promise((resolve, reject) => {
    const options = { timeout: PATIENCE_MS, killSignal: "SIGKILL", maxBuffer: LARGEST_ANSWER } as const;
    // adjtimex ends with its clock state, 5 for an unsynchronised one, after it has printed everything.
    execFile(file, args, { ...options, env: { LC_ALL: "C" } }, (thrown, stdout) =>
      stdout === "" && thrown !== null ? reject(thrown) : resolve(stdout),
    );
  });

/**
 * The kernel as a source: whatever keeps the clock (ntpd, ptp4l with phc2sys, a modem's daemon), its word is there. For
 * machines where neither chrony nor timesyncd answers. Looked at every five minutes; in between the last word is given,
 * with its bound grown. Never rejects.
 */
export const createKernelClock = (clock: Clock, run: RunProgram = runProgram): (() => Promise<SourceAnswer>) => {
  let known: { readonly answer: SourceAnswer; readonly at: Millis } | null = null;

  const ask = async (): Promise<SourceAnswer> => {
    let why: string | null = null;
    for (const [file, ...args] of PROGRAMS) {
      try {
        return readAdjtimex(await run(file, args));
      } catch (thrown) {
        // Another busybox may have the applet that this one was built without.
        if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") why = messageOf(thrown);
      }
    }
    return why === null ? { tag: "absent" } : { tag: "silent", why };
  };

  return async () => {
    if (known === null || clock.elapsed() - known.at >= ASK_EVERY) known = { answer: await ask(), at: clock.elapsed() };
    const { answer, at } = known;
    if (answer.tag !== "synchronised") return answer;
    const { sync } = answer;
    const since = millis(clock.elapsed() - at);
    return { tag: "synchronised", sync: { ...sync, boundMs: boundAfter(sync, since), ageMs: since, comparison: at } };
  };
};
