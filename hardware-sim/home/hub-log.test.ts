import { describe, expect, it } from "vitest";
import { parseHubLine } from "./hub-log.ts";

const parsed = (fields: object) =>
  parseHubLine(JSON.stringify({ level: "info", time: "2026-06-15T12:00:00Z", ...fields }));

describe("log of the hub", () => {
  it("tells what becomes of readings, link and hub", () => {
    expect(parsed({ msg: "hub ready" })).toEqual({ tag: "ready" });
    expect(parsed({ msg: "reading stored", sensor: "cuff", seq: 7, kind: "blood-pressure" })).toEqual({
      tag: "stored",
      sensor: "cuff",
      seq: 7,
      kind: "blood-pressure",
    });
    expect(parsed({ msg: "batch sent", firstSeq: 3, lastSeq: 9, count: 7 })).toMatchObject({ firstSeq: 3, lastSeq: 9 });
    expect(parsed({ msg: "receipt applied", through: 9, settled: 7 })).toMatchObject({ through: 9, settled: 7 });
    expect(parsed({ msg: "link up", protocol: "mqtt5" })).toEqual({ tag: "link-up", protocol: "mqtt5" });
    expect(parsed({ level: "warn", msg: "link down", code: "link-lost" })).toEqual({
      tag: "link-down",
      code: "link-lost",
    });
  });

  it.each([
    ["warn", "warn"],
    ["error", "error"],
    [40, "warn"],
    [60, "error"],
  ])("hands on what the hub complains about: level %s", (level, expected) => {
    expect(parsed({ level, msg: "serial port busy", sensor: "scale", pid: 1 })).toEqual({
      tag: "complaint",
      level: expected,
      text: "serial port busy sensor=scale",
    });
  });

  it.each(["", "{", "null", "7", '"text"', "[]", '{"msg":7}', '{"msg":"something else"}'])(
    "passes over what it does not know: %s",
    (line) => {
      expect(parseHubLine(line)).toEqual({ tag: "other" });
    },
  );
});
