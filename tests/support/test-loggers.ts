import type { LogFields, Logger } from "../../protocol/ports/logger.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines for the test to look at. */
export const createKeepingLogger = (lines: LogLine[], inherited: LogFields = {}): Logger => {
  const keep =
    (level: LogLine["level"]) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields: { ...inherited, ...fields } });
    };
  return {
    debug: keep("debug"),
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
    with: (fields) => createKeepingLogger(lines, { ...inherited, ...fields }),
  };
};

const quiet = (): void => undefined;

export const silentLogger: Logger = {
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
  with: () => silentLogger,
};
