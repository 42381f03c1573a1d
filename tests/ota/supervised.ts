import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createSlots, type ImageHash, type Slots } from "../../ota/slots/slots.ts";
import { until } from "../support/until.ts";
import { addUnpacked, writeRelease } from "./launcher.ts";

export const SUPERVISOR = fileURLToPath(new URL("../../packaging/launch/hemhub-supervise", import.meta.url));

/** Short: a home waits for minutes. Long against the pauses of a machine on which others work too. */
export const QUICK = {
  HEMHUB_LOOK_MS: "50",
  HEMHUB_READY_MS: "1000",
  HEMHUB_ALIVE_MS: "700",
  HEMHUB_STOP_MS: "1000",
  HEMHUB_PAUSE_MS: "20",
  HEMHUB_LONGEST_PAUSE_MS: "100",
};

const SAY_START = '#!/bin/sh\necho "$HEMHUB_SLOT $HEMHUB_TRY $$" >>"$HEMHUB_RUN/starts"\n';

/** A release that says that it was started, and then does what `script` does. */
export const release = (script: string): string => `${SAY_START}${script}\n`;

const sign = (line: string): string => `echo "${line}" >"$HEMHUB_ALIVE.new" && mv "$HEMHUB_ALIVE.new" "$HEMHUB_ALIVE"`;

/** Gives one sign of life. */
export const READY = sign("ready 1");

/** Ready, and alive until it is told to stop. */
export const WELL = release(`
trap 'echo stopped >>"$HEMHUB_RUN/starts"; exit 0' TERM
n=0
while :; do n=$((n + 1)); ${sign("ready $n")}; sleep 0.05; done`);

export interface Start {
  readonly slot: string;
  readonly try: number;
  readonly pid: number;
}

/** A supervisor at work. */
export interface Supervised extends AsyncDisposable {
  readonly child: ChildProcess;
  starts(): readonly Start[];
  /** Resolves with the newest start, when it is of this slot and has given a sign. */
  runs(slot: string): Promise<Start>;
  said(): string;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  ended(): Promise<number | null>;
}

/** A hub's releases, without a mount, with a supervisor under any shell. */
export interface SupervisedPlace extends AsyncDisposable {
  readonly run: string;
  readonly slots: Slots;
  /** A release in force. */
  inForce(name: string, script: string): Promise<ImageHash>;
  onTrial(name: string, script: string): Promise<ImageHash>;
  start(shell: readonly string[], env?: Readonly<Record<string, string>>): Supervised;
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // What has ended and was not waited for has no command line any more.
    return readFileSync(`/proc/${pid}/cmdline`, "latin1") !== "";
  } catch {
    return false;
  }
};

export const createSupervisedPlace = async (): Promise<SupervisedPlace> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub supervise "));
  const [home, base, run] = [join(place, "releases"), join(place, "base"), join(place, "run")];
  const images = join(home, "images");
  await mkdir(images, { recursive: true });
  await writeRelease(base, "base", WELL);
  const slots = createSlots(createDiskFiles(), home);
  const all: Supervised[] = [];

  const start: SupervisedPlace["start"] = (shell, env = {}) => {
    const [program = "sh", ...args] = shell;
    const surroundings = { ...process.env, HEMHUB_BASE: base, HEMHUB_RUN: run, ...QUICK, ...env };
    const child = spawn(program, [...args, SUPERVISOR, home, "run"], { env: surroundings });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    // Not "close": what it started may outlive it for a moment, and hold its output.
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    const starts = (): readonly Start[] => {
      const file = join(run, "starts");
      const lines = existsSync(file) ? readFileSync(file, "latin1").split("\n") : [];
      return lines.flatMap((line) => {
        const [slot = "", count, pid] = line.split(" ");
        return pid === undefined ? [] : [{ slot, try: Number(count), pid: Number(pid) }];
      });
    };
    const supervised: Supervised = {
      child,
      starts,
      runs: (slot) =>
        until(() => {
          const last = starts().at(-1);
          return last?.slot === slot && existsSync(join(run, "alive")) && isAlive(last.pid) ? last : null;
        }, `the ${slot} release runs, after ${said}`),
      said: () => said,
      ended: () => ended,
      stop: () => {
        child.kill("SIGTERM");
        return ended;
      },
      [Symbol.asyncDispose]: async () => {
        if (child.exitCode === null && child.signalCode === null) await supervised.stop();
        for (const { pid } of starts()) if (isAlive(pid)) process.kill(pid, "SIGKILL");
      },
    };
    all.push(supervised);
    return supervised;
  };

  return {
    run,
    slots,
    inForce: async (name, script) => {
      const hash = await addUnpacked(images, name, script);
      await slots.activate(hash);
      await slots.commit(hash);
      return hash;
    },
    onTrial: async (name, script) => {
      const hash = await addUnpacked(images, name, script);
      await slots.activate(hash);
      return hash;
    },
    start,
    [Symbol.asyncDispose]: async () => {
      for (const one of all) await one[Symbol.asyncDispose]();
      await rm(place, { recursive: true, force: true });
    },
  };
};
