import { execFile } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis } from "../../protocol/time.ts";

/** What a supervisor is told: that the hub works, that it still does, that it ends. */
export type ServiceSign = "ready" | "alive" | "stopping";

/** Who started this process and watches over it. Nobody, where a person started it. */
export interface ServiceNotify {
  /** Pause between two signs of life; null where none is waited for. */
  readonly every: Millis | null;
  /** Never rejects: what cannot be told is logged, and the supervisor then does what it does about silence. */
  tell(sign: ServiceSign): Promise<void>;
}

/** The environment that a supervisor gives: sd_notify(3), sd_watchdog_enabled(3), packaging/launch/hemhub-supervise. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
  /** A file that is replaced with each sign: its state and a number that grows. */
  readonly HEMHUB_ALIVE?: string | undefined;
}

/** Passes a sign on; rejects where it cannot. */
export type Tell = (sign: ServiceSign) => Promise<void>;

/** Of systemd; full paths, because nothing that lies in PATH is run. */
const NOTIFY_PROGRAM = "/usr/bin/systemd-notify";

/** A sign takes milliseconds. The next one is due after a third of the time that the supervisor waits, 20 s. */
const LONGEST_TELL_MS = 5000;

/** sd_watchdog_enabled(3) asks for half of the time; with a third, one sign may get lost. */
const SIGNS_IN_TIME = 3;

/** Text of sd_notify(3). Being ready is a sign of life too: a hub that begins anew says it again. */
const ASSIGNMENTS: Readonly<Record<ServiceSign, readonly string[]>> = {
  ready: ["READY=1", "WATCHDOG=1"],
  alive: ["WATCHDOG=1"],
  stopping: ["STOPPING=1"],
};

/**
 * To systemd through its own program: Node has no datagrams over unix sockets
 * (docs/decisions/2026-11-22-supervision.md).
 */
export const tellSystemd =
  (socket: string, program = NOTIFY_PROGRAM): Tell =>
  (sign) =>
    new Promise((resolve, reject) => {
      const env = { NOTIFY_SOCKET: socket, LC_ALL: "C" };
      const options = { env, timeout: LONGEST_TELL_MS, killSignal: "SIGKILL" } as const;
      execFile(program, ASSIGNMENTS[sign], options, (thrown) => (thrown === null ? resolve() : reject(thrown)));
    });

/**
 * To a shell script, which can read a file and cannot wait for a line with a limit. A number that grows, because the
 * time of a file is of a clock that jumps.
 */
export const tellFile = (file: string): Tell => {
  let state = "starting";
  let signs = 0;
  let told: Promise<void> = Promise.resolve();
  return (sign) => {
    if (sign !== "alive") state = sign;
    signs += 1;
    const line = `${state} ${signs}\n`;
    told = told
      // Whoever told the sign before has heard of its failure.
      .catch(() => undefined)
      .then(() => writeFile(`${file}.new`, line))
      .then(() => rename(`${file}.new`, file));
    return told;
  };
};

const signEvery = ({ WATCHDOG_USEC, WATCHDOG_PID }: ServiceEnvironment, pid: number): Millis | null => {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return null;
  // Of another process that was started with the same environment.
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return null;
  return millis(Number(WATCHDOG_USEC) / 1000 / SIGNS_IN_TIME);
};

/** The supervisor that the environment names: systemd, a script, both, or none. */
export const createServiceNotify = (env: ServiceEnvironment, pid: number, logger: Logger): ServiceNotify => {
  const ways: Tell[] = [];
  if (env.NOTIFY_SOCKET) ways.push(tellSystemd(env.NOTIFY_SOCKET));
  if (env.HEMHUB_ALIVE) ways.push(tellFile(env.HEMHUB_ALIVE));
  let said: string | null = null;

  const orSaid = async (tell: Tell, sign: ServiceSign): Promise<void> => {
    try {
      await tell(sign);
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (said !== reason) logger.error("supervisor cannot be told how the hub is, and will end it", { reason });
      said = reason;
    }
  };

  return {
    every: ways.length === 0 ? null : signEvery(env, pid),
    tell: async (sign) => {
      await Promise.all(ways.map((tell) => orSaid(tell, sign)));
    },
  };
};
