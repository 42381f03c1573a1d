import { seconds } from "../../protocol/time.ts";
import { createSystemClock } from "../clock/system-clock.ts";
import { problemLine } from "../config/hub-config.ts";
import { loadConfig } from "../config/load-config.ts";
import { createServiceNotify } from "../health/service-notify.ts";
import { type HubEnd, runHub } from "../hub.ts";
import { createLogOutput } from "../log/log-output.ts";
import { createPinoLogger } from "../log/pino-logger.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { watchProcessEnds } from "./process-ends.ts";

/** How long the last lines of the log may take when whoever reads them has stalled. */
const LONGEST_FLUSH = seconds(1);

const STANDARD_OUTPUT = 1;

const EXIT_OF: Readonly<Record<HubEnd["tag"], ExitCode>> = {
  stopped: EXIT.ok,
  restart: EXIT.restartNeeded,
  "machine-restart": EXIT.machineRestartNeeded,
  overdue: EXIT.checkFailed,
  "not-started": EXIT.checkFailed,
  occupied: EXIT.busy,
};

/**
 * `hemhub run`: the hub until it is told to stop. Returns only for a wrong configuration: after a run the process ends
 * here with the exit code, because native parts may hold it open.
 */
export const runCommand = async (file: string, output: Output): Promise<ExitCode> => {
  const loaded = await loadConfig(file);
  if (loaded.tag === "invalid") {
    for (const problem of loaded.problems) output.complain(problemLine(loaded.file, problem));
    return EXIT.usage;
  }
  const { config } = loaded;
  const clock = createSystemClock();
  const log = createLogOutput(STANDARD_OUTPUT, clock);
  const logger = createPinoLogger(config.log.level, log);
  const notify = createServiceNotify(process.env, process.pid, logger);
  const stop = new AbortController();
  const crash = watchProcessEnds({
    process,
    logger,
    stop: () => {
      // Beside the stop, which does not wait for it. It never rejects.
      notify.tell("stopping").catch(() => undefined);
      stop.abort();
    },
    exit: (code) => {
      log.flushNow();
      return process.exit(code);
    },
  });
  const end = await runHub({ config, clock, logger, notify }, stop.signal).catch(crash);
  if (end.tag === "not-started" || end.tag === "occupied") output.complain(end.sentence);
  await Promise.race([log.flush(), clock.sleep(LONGEST_FLUSH, new AbortController().signal)]);
  return process.exit(EXIT_OF[end.tag]);
};
