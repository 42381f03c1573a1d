import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { LogFields, Logger } from "../../protocol/ports/logger.ts";
import { seconds } from "../../protocol/time.ts";
import type { LogLevel } from "../config/hub-config.ts";
import { createPinoLogger } from "./pino-logger.ts";
import { rateLimited } from "./rate-limited.ts";

const captured = (level: LogLevel = "debug") => {
  const lines: string[] = [];
  const logger = createPinoLogger(level, { write: (line) => lines.push(line) });
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

describe("createPinoLogger", () => {
  it("writes one JSON object a line with level in words, time, message and fields", () => {
    const { logger, lines, parsed } = captured();
    logger.with({ part: "radio" }).info("reading stored", { sensor: "cuff", seq: 7, kind: "blood-pressure" });
    expect(lines[0]?.endsWith("\n")).toBe(true);
    expect(parsed()).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        part: "radio",
        sensor: "cuff",
        seq: 7,
        kind: "blood-pressure",
        msg: "reading stored",
      },
    ]);
  });

  it("has no field for a value or an identity: what is not designed is left out and named", () => {
    const { logger, parsed } = captured();
    logger.info("odd", { sensor: "cuff", systolic: 131.5, patient: "planted-name", value: 3 });
    logger.with({ payload: "planted-payload" }).info("odd");
    expect(JSON.stringify(parsed())).not.toMatch(/131\.5|planted/);
    expect(parsed()).toMatchObject([{ sensor: "cuff", omitted: "systolic,patient,value" }, { omitted: "payload" }]);
  });

  it("bounds texts and keeps terminal control characters out", () => {
    const { logger, parsed } = captured();
    logger.error(`m${"x".repeat(5000)}`, { reason: `bell\u0007 \u001b[2Jred ${"y".repeat(5000)}` });
    const [line] = parsed();
    expect(String(line?.msg).length).toBeLessThan(500);
    expect(String(line?.reason).length).toBeLessThan(500);
    expect(String(line?.reason)).toMatch(/^bell +\[2Jred y/);
  });

  it("writes nothing below its level and leaves out undefined fields", () => {
    const { logger, parsed } = captured("warn");
    logger.debug("a");
    logger.info("b", { sensor: "cuff" });
    logger.warn("c", { sensor: undefined });
    expect(parsed()).toEqual([{ level: "warn", time: expect.any(String), msg: "c" }]);
  });
});

describe("rateLimited", () => {
  const counting = (): { logger: Logger; lines: { message: string; fields: LogFields }[] } => {
    const lines: { message: string; fields: LogFields }[] = [];
    const write = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
    const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
    return { logger, lines };
  };

  it("writes a repeated message five times a minute and then says how many it left out", async () => {
    const clock = createSimulatedClock();
    const { logger, lines } = counting();
    const limited = rateLimited(logger, clock);
    for (let i = 0; i < 100; i++) limited.warn("noise", { sensor: "oximeter", bytes: i });
    expect(lines).toHaveLength(5);
    await clock.advance(seconds(60));
    limited.warn("noise", { sensor: "oximeter", bytes: 1 });
    expect(lines.at(-1)?.fields).toEqual({ sensor: "oximeter", bytes: 1, suppressed: 95 });
    limited.warn("noise", { sensor: "oximeter", bytes: 2 });
    expect(lines.at(-1)?.fields).toEqual({ sensor: "oximeter", bytes: 2 });
  });

  it("does not let one noisy sensor silence another, nor one message another", () => {
    const { logger, lines } = counting();
    const limited = rateLimited(logger, createSimulatedClock());
    const one = limited.with({ sensor: "one" });
    for (let i = 0; i < 10; i++) one.warn("noise");
    limited.with({ sensor: "two" }).warn("noise");
    one.warn("lost");
    expect(lines).toHaveLength(7);
  });

  it("writes every line that has a sequence number", () => {
    const { logger, lines } = counting();
    const limited = rateLimited(logger, createSimulatedClock());
    for (let seq = 1; seq <= 50; seq++) limited.info("reading stored", { sensor: "cuff", seq });
    expect(lines).toHaveLength(50);
  });

  it("remembers a bounded number of messages, however many there are", () => {
    const { logger, lines } = counting();
    const limited = rateLimited(logger, createSimulatedClock());
    for (let i = 0; i < 5000; i++) limited.warn("noise", { address: `a${i}` });
    for (let i = 0; i < 6; i++) limited.warn("noise", { address: "a0" });
    expect(lines).toHaveLength(5005);
  });

  it("is not deceived by a reason that differs each time", () => {
    const { logger, lines } = counting();
    const limited = rateLimited(logger, createSimulatedClock());
    for (let i = 0; i < 100; i++) limited.warn("noise", { sensor: "cuff", reason: `byte ${i}` });
    expect(lines).toHaveLength(5);
  });
});
