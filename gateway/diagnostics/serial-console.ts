import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { seconds } from "../../protocol/time.ts";
import { runConsoleSession } from "./console-session.ts";
import type { ConsoleView } from "./hub-view.ts";
import type { Registry } from "./registry.ts";

/** Between two attempts to open the port: soon enough for somebody who plugs in a cable. */
const TRY_AGAIN_AFTER = seconds(5);

export interface SerialConsoleOptions {
  readonly path: string;
  /** Opens the port; rejects with HubError `serial-absent` or `serial-busy`. */
  readonly open: (signal: AbortSignal) => Promise<Transport>;
  readonly registry: Registry;
  readonly banner: string;
  readonly prompt: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SerialConsole {
  /** Serve technicians on the port until `signal` aborts, through unplugging, absence and other programs' use of it. */
  run(signal: AbortSignal): Promise<void>;
  status(): ConsoleView;
}

/** The technician's console on a serial port or USB gadget. */
export const createSerialConsole = (options: SerialConsoleOptions): SerialConsole => {
  const { path, open, clock, logger } = options;
  let trouble: string | null = `console on ${path}: not opened yet`;

  const serve = async (signal: AbortSignal): Promise<void> => {
    await using transport = await open(signal);
    trouble = null;
    logger.info("console open", { path });
    await runConsoleSession({ ...options, transport }, signal);
    throw new HubError("serial-closed", `serial port ${path}: closed; connect the cable again`);
  };

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        try {
          await serve(signal);
        } catch (thrown) {
          if (signal.aborted) return;
          if (!isHubError(thrown)) throw thrown;
          // The same trouble at each attempt is said once.
          if (trouble !== thrown.message) {
            logger.warn("console not available", { path, code: thrown.code, reason: thrown.message });
          }
          trouble = thrown.message;
        }
        await clock.sleep(TRY_AGAIN_AFTER, signal).catch(() => undefined);
      }
    },
    status: () => ({ path, trouble }),
  };
};
