import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteOutbox, type SqliteOutbox, type SqliteOutboxOptions } from "../../gateway/store/outbox.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createKeepingLogger, type LogLine } from "../support/test-loggers.ts";

/** A directory, a clock that stands still, and every outbox that was opened on them. */
export interface ScratchOutbox extends AsyncDisposable {
  readonly directory: string;
  readonly clock: SimulatedClock;
  readonly lines: LogLine[];
  readonly file: (name: string) => string;
  open(options?: Partial<SqliteOutboxOptions>): Promise<SqliteOutbox>;
}

export const createScratchOutbox = async (): Promise<ScratchOutbox> => {
  const base = await mkdtemp(join(tmpdir(), "hemhub-store-"));
  const directory = join(base, "outbox");
  const clock = createSimulatedClock();
  const lines: LogLine[] = [];
  const opened: SqliteOutbox[] = [];
  return {
    directory,
    clock,
    lines,
    file: (name) => join(directory, name),
    open: async (options = {}) => {
      const outbox = await openSqliteOutbox({ directory, clock, logger: createKeepingLogger(lines), ...options });
      opened.push(outbox);
      return outbox;
    },
    [Symbol.asyncDispose]: async () => {
      for (const outbox of opened) await outbox[Symbol.asyncDispose]();
      await rm(base, { recursive: true, force: true });
    },
  };
};
