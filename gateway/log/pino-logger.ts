import { type Logger as Pino, pino, stdTimeFunctions } from "pino";
import type { LogFields, Logger } from "../../protocol/ports/logger.ts";
import type { LogLevel } from "../config/hub-config.ts";
import { designedFields, logText } from "./fields.ts";
import type { LogOutput } from "./log-output.ts";

const wrap = (inner: Pino): Logger => {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields?: LogFields): void => {
      if (!inner.isLevelEnabled(level)) return;
      if (fields === undefined) inner[level](logText(message));
      else inner[level](designedFields(fields), logText(message));
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: (fields) => wrap(inner.child(designedFields(fields))),
  };
};

/** One JSON object a line: `{"level":"info","time":"2026-...Z", ...fields, "msg":"reading stored"}`. */
export const createPinoLogger = (level: LogLevel, output: Pick<LogOutput, "write">): Logger =>
  wrap(
    pino(
      {
        level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      output,
    ),
  );
