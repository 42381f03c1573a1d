import type { LogFields } from "../../protocol/ports/logger.ts";

/**
 * Every field that a log line may have. The list is closed: a reading's value or a person's identity has no field to
 * go into. A field that is not here is left out of the line, and its name stands in `omitted`, so that the omission is
 * seen and either this list or the caller is put right.
 */
export const LOG_FIELD_NAMES: ReadonlySet<string> = new Set([
  "adapter",
  "address",
  "aheadMs",
  "bytes",
  "channel",
  "code",
  "count",
  "driver",
  "event",
  "firstSeq",
  "found",
  "from",
  "held",
  "kind",
  "lastSeq",
  "part",
  "path",
  "protocol",
  "readings",
  "reason",
  "reasonCode",
  "rssi",
  "sensor",
  "seq",
  "service",
  "settled",
  "severity",
  "silences",
  "state",
  "strikes",
  "suppressed",
  "text",
  "through",
  "to",
  "trouble",
  "why",
]);

/** A longer text is cut: a line is for a technician, and the log is bounded. A sentence of ours is well below. */
const LONGEST_TEXT = 400;

/** Bytes that are not text must not reach a terminal that shows the log. */
const CONTROL = /\p{Cc}+/gu;

export const logText = (text: string): string => {
  const clean = text.replaceAll(CONTROL, " ");
  return clean.length <= LONGEST_TEXT ? clean : `${clean.slice(0, LONGEST_TEXT)}...`;
};

/** The fields as they are written: only known names, texts bounded and printable, undefined left out. */
export const designedFields = (fields: LogFields): Readonly<Record<string, string | number | boolean | null>> => {
  const written: Record<string, string | number | boolean | null> = {};
  const omitted: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (!LOG_FIELD_NAMES.has(name)) omitted.push(name);
    else written[name] = typeof value === "string" ? logText(value) : value;
  }
  if (omitted.length > 0) written.omitted = logText(omitted.join(","));
  return written;
};
