import type { Clock } from "../../protocol/ports/clock.ts";
import type { LogFields, Logger } from "../../protocol/ports/logger.ts";
import { millis } from "../../protocol/time.ts";

/** Within one window a message of one source is written this often; then it is counted. */
const LINES_PER_WINDOW = 5;
const WINDOW = millis(60_000);

/** Sources times messages that are counted at once; a home has at most 64 sensors and some dozen messages each. */
const MOST_KEYS = 1000;

/** Fields that tell one source of a message from another. */
const SOURCE_FIELDS = ["part", "sensor", "address", "path", "code"] as const;

/** A line with one of these is a fact of its own about numbered readings: stored, sent or receipted. */
const FACT_FIELDS = ["seq", "firstSeq", "through"] as const;

interface Window {
  readonly since: number;
  readonly written: number;
  readonly suppressed: number;
}

/**
 * A logger that writes a repeated message of one source five times a minute and counts the rest; the next line that
 * is written says how many were left out (`suppressed`). Lines about numbered readings are all written.
 */
export const rateLimited = (logger: Logger, clock: Clock): Logger => {
  const windows = new Map<string, Window>();

  const limited = (inner: Logger, inherited: LogFields): Logger => {
    const passes = (level: string, message: string, fields: LogFields): LogFields | null => {
      const all = { ...inherited, ...fields };
      if (FACT_FIELDS.some((name) => all[name] !== undefined)) return fields;
      const key = [level, message, ...SOURCE_FIELDS.map((name) => String(all[name] ?? ""))].join("\n");
      const now = clock.elapsed();
      const open = windows.get(key);
      if (open !== undefined && now - open.since < WINDOW && open.written >= LINES_PER_WINDOW) {
        windows.set(key, { ...open, suppressed: open.suppressed + 1 });
        return null;
      }
      const fresh = open === undefined || now - open.since >= WINDOW;
      windows.delete(key);
      windows.set(key, { since: fresh ? now : open.since, written: fresh ? 1 : open.written + 1, suppressed: 0 });
      const oldest = windows.keys().next();
      if (windows.size > MOST_KEYS && oldest.done !== true) windows.delete(oldest.value);
      return open !== undefined && open.suppressed > 0 ? { ...fields, suppressed: open.suppressed } : fields;
    };

    const write =
      (level: "debug" | "info" | "warn" | "error") =>
      (message: string, fields: LogFields = {}): void => {
        const written = passes(level, message, fields);
        if (written !== null) inner[level](message, written);
      };

    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      with: (fields) => limited(inner.with(fields), { ...inherited, ...fields }),
    };
  };

  return limited(logger, {});
};
