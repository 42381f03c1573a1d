import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import type { LogFields, Logger } from "../../protocol/ports/logger.ts";
import { EXIT } from "./exit-codes.ts";
import { watchProcessEnds } from "./process-ends.ts";

class Ended extends Error {}

const setUp = () => {
  const process = new EventEmitter();
  const lines: { readonly message: string; readonly fields: LogFields }[] = [];
  const write = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
  const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
  const exits: number[] = [];
  let stops = 0;
  const crash = watchProcessEnds({
    process,
    logger,
    stop: () => {
      stops += 1;
    },
    exit: (code) => {
      exits.push(code);
      throw new Ended();
    },
  });
  return { process, lines, exits, crash, stops: () => stops };
};

describe("the ends of a hub's process", () => {
  it.each(["SIGTERM", "SIGINT"])("stops in order on %s, and at once on a second signal", (name) => {
    const { process, exits, stops } = setUp();
    process.emit(name, name);
    expect({ stops: stops(), exits }).toEqual({ stops: 1, exits: [] });
    expect(() => process.emit("SIGTERM", "SIGTERM")).toThrow(Ended);
    expect({ stops: stops(), exits }).toEqual({ stops: 1, exits: [EXIT.checkFailed] });
  });

  it.each(["uncaughtException", "unhandledRejection"])("ends with 70 on an %s and says where it was", (event) => {
    const { process, lines, exits } = setUp();
    expect(() => process.emit(event, new TypeError("x is\nundefined"))).toThrow(Ended);
    expect(exits).toEqual([70]);
    expect(lines).toEqual([
      {
        message: "broken invariant, the hub ends and is started again",
        fields: { reason: "x is undefined", text: expect.stringContaining("process-ends.test.ts") },
      },
    ]);
  });

  it("ends with 70 also for something that is not an error", () => {
    const { crash, exits, lines } = setUp();
    expect(() => crash("odd")).toThrow(Ended);
    expect(exits).toEqual([70]);
    expect(lines[0]?.fields).toEqual({ reason: "odd", text: "" });
  });
});
