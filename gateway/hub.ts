import { join } from "node:path";
import { isHubError } from "../protocol/errors.ts";
import type { Logger } from "../protocol/ports/logger.ts";
import { createHubTime } from "./clock/hub-time.ts";
import { machineBootId, machineSigns, machineZero } from "./clock/machine-signs.ts";
import { openTimeFloor } from "./clock/time-floor.ts";
import { openControl } from "./commands/control.ts";
import { noProvenTime } from "./credentials/proven-time.ts";
import { hubAnswersAt } from "./diagnostics/socket-server.ts";
import { createProcessHealth } from "./health/process-health.ts";
import { runParts } from "./health/run-parts.ts";
import { isSafeMode } from "./health/safe-mode.ts";
import { openStartCounter } from "./health/start-counter.ts";
import { loadNative } from "./load-native.ts";
import { rateLimited } from "./log/rate-limited.ts";
import { sheddable } from "./log/sheddable.ts";
import type { SqliteOutbox } from "./store/outbox.ts";
import { type HubSurroundings, outboxFolder, startsFile, wireHub } from "./wire-hub.ts";

/**
 * How a hub ended. `restart`: in order, to be started again at once, for another release is to run; `machine-restart`:
 * another system. `overdue`: a part did not stop in time; nothing that was acknowledged is lost. `occupied`: another hub
 * runs on the same data. `not-started`: without an outbox nothing can be promised to a sensor.
 */
export type HubEnd =
  | { readonly tag: "stopped" }
  | { readonly tag: "restart" }
  | { readonly tag: "machine-restart" }
  | { readonly tag: "overdue" }
  | { readonly tag: "occupied"; readonly sentence: string }
  | { readonly tag: "not-started"; readonly sentence: string };

/** Without these files nothing can be promised to a sensor. */
const orNotStarted = async <T>(open: () => Promise<T>, logger: Logger): Promise<T | HubEnd> => {
  try {
    return await open();
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    logger.error("outbox cannot be opened, the hub does not start", { code: thrown.code, reason: thrown.message });
    return { tag: thrown.code === "invalid-config" ? "occupied" : "not-started", sentence: thrown.message };
  }
};

const openOutbox = async ({ config, clock, logger }: HubSurroundings, countersFrom: number): Promise<SqliteOutbox> => {
  const { openSqliteOutbox } = await loadNative("outbox", "outbox-closed", () => import("./store/outbox.ts"));
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  return await openSqliteOutbox({ directory: outboxFolder(config), clock, logger, credentials, countersFrom });
};

/**
 * Run a hub until `signal` aborts and its parts have stopped. A part that cannot work (no radio, no port, no link, no
 * certificate) is a sentence in the log and in `check`, and the others go on. Rejects only when an invariant is broken.
 */
export const runHub = async (given: HubSurroundings, signal: AbortSignal): Promise<HubEnd> => {
  const { config, clock, notify } = given;
  const { logger, shed } = sheddable(rateLimited(given.logger, clock));
  const surroundings = { config, clock, logger, notify };
  const { socket } = config.diagnostics;
  if (await hubAnswersAt(socket)) {
    const sentence = `another hub answers at ${socket}; stop it, or give this one files of its own`;
    return { tag: "occupied", sentence };
  }
  const bootId = await machineBootId();
  const floor = await openTimeFloor({ file: join(config.hub.dataDir, "time-floor.json"), clock, logger });
  const proven = { time: noProvenTime };
  const time = createHubTime({
    clock,
    bootId,
    zeroAt: machineZero(clock),
    signs: machineSigns(clock),
    floor: floor.current,
    proven: () => proven.time.now(),
  });
  await time.look();
  const control = await orNotStarted(
    () =>
      openControl({
        config,
        outboxFolder: outboxFolder(config),
        credentials: process.env.CREDENTIALS_DIRECTORY,
        time,
        logger,
      }),
    logger,
  );
  if ("tag" in control) return control;
  using health = createProcessHealth();
  const starts = await openStartCounter({ file: startsFile(config), bootId, logger });
  for (let isFirst = true; ; isFirst = false) {
    const prepared = await orNotStarted(
      () => control.prepare((countersFrom) => openOutbox(surroundings, countersFrom)),
      logger,
    );
    if ("tag" in prepared) {
      await starts.succeeded();
      return prepared;
    }
    await starts.opened(prepared.outbox.depth().newest ?? 0);
    const isSafe = isFirst && isSafeMode(starts);
    const anew = new AbortController();
    let ending: "restart" | "machine-restart" | null = null;
    const restart = (isMachine: boolean): void => {
      ending = isMachine ? "machine-restart" : "restart";
      anew.abort();
    };
    const steering = { control, again: () => anew.abort(), restart, starts, isSafe, proven };
    const inForce = { ...surroundings, config: prepared.config };
    const parts = await wireHub(inForce, time, floor, prepared.outbox, health, shed, steering);
    const inTime = await runParts({ ...parts, clock, logger }, AbortSignal.any([signal, anew.signal]));
    if (inTime && !signal.aborted && ending === null) {
      logger.info("hub stopped its parts and begins anew");
      continue;
    }
    await starts.succeeded();
    logger.info("hub stopped");
    if (!inTime) return { tag: "overdue" };
    return { tag: signal.aborted ? "stopped" : (ending ?? "stopped") };
  }
};
