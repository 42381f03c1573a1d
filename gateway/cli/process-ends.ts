import { messageOf } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** What of `process` is needed here. */
export interface EndingProcess {
  on(event: "SIGTERM" | "SIGINT", listener: (name: NodeJS.Signals) => void): unknown;
  on(event: "uncaughtException" | "unhandledRejection", listener: (thrown: unknown) => void): unknown;
}

export interface ProcessEndsOptions {
  readonly process: EndingProcess;
  readonly logger: Logger;
  /** The first signal: begin the orderly end. */
  readonly stop: () => void;
  /** End the process in this turn, with what waits of the log written. */
  readonly exit: (code: ExitCode) => never;
}

/**
 * How a hub's process ends besides by itself: SIGTERM or SIGINT stop it in order, a second one ends it at once, and a
 * broken invariant ends it with exit 70, so that the supervisor starts it anew. Returns what a caller does with an
 * error that nobody else took.
 */
export const watchProcessEnds = (options: ProcessEndsOptions): ((thrown: unknown) => never) => {
  const { process, logger, stop, exit } = options;
  let stopping = false;

  const crash = (thrown: unknown): never => {
    const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
    const where = /^\s+at (.*)$/m.exec(stack)?.[1] ?? "";
    logger.error("broken invariant, the hub ends and is started again", { reason: messageOf(thrown), text: where });
    return exit(EXIT.crashed);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);

  const onSignal = (name: NodeJS.Signals): void => {
    if (stopping) {
      logger.warn("second signal, the hub ends at once", { text: name });
      exit(EXIT.checkFailed);
    }
    stopping = true;
    logger.info("hub stops", { text: name });
    stop();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return crash;
};
