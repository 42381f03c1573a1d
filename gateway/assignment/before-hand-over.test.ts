import { describe, expect, it } from "vitest";
import { UNASSIGNED } from "../../protocol/desired.ts";
import type { DraftReading, ReadingTime } from "../../protocol/reading.ts";
import { isoUtc } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { attributed } from "./before-hand-over.ts";

const BEGUN = Date.parse("2026-06-15T12:00:00Z");
const at = (offsetMs: number): string => isoUtc((BEGUN + offsetMs) as never);
const reading = (time: Partial<ReadingTime>, change: Partial<DraftReading> = {}): DraftReading => {
  const sample = sampleReading();
  return { ...sample, ...change, time: { ...sample.time, ...time } };
};
const byCable = (time: Partial<ReadingTime>): DraftReading =>
  reading(time, { provenance: { ...sampleReading().provenance, transport: "serial" } });
const stamped = { text: "2026-06-15T14:00:00", offsetMin: null };
const isOwn = (one: DraftReading, begun: number | null | "always" = BEGUN): boolean => attributed(one, begun) === one;

describe("a reading after a hand-over", () => {
  it.each<[string, boolean, DraftReading]>([
    ["measured later", true, reading({ start: at(60_000), uncertaintyMs: 1500 })],
    ["measured before", false, reading({ start: at(-60_000), uncertaintyMs: 1500 })],
    ["measured later as far as the sensor's clock tells", false, reading({ start: at(60_000), uncertaintyMs: 90_000 })],
    [
      "measured later by a hub that does not know its error",
      false,
      reading({ start: at(60_000), uncertaintyMs: null }),
    ],
    ["with a stamp that tells no time", false, reading({ start: null, deviceRaw: stamped })],
    ["stored, without a stamp", false, reading({ start: null, deviceRaw: null }, { quality: ["stored"] })],
    ["just received, without a stamp, clock unset", true, reading({ start: null, deviceRaw: null })],
    [
      "just received by cable",
      true,
      byCable({ start: at(1), deviceRaw: null, basis: "reception", uncertaintyMs: null }),
    ],
    [
      "received over the air within a minute",
      false,
      reading({ start: at(50_000), deviceRaw: null, basis: "reception" }),
    ],
    ["received over the air later", true, reading({ start: at(60_000), deviceRaw: null, basis: "reception" })],
    ["of a sensor's earlier timeline", false, reading({ start: null, deviceRaw: null, faults: ["timeline-unknown"] })],
  ])("%s: of the assignment in force %s", (_, own, one) => {
    expect(isOwn(one)).toBe(own);
  });

  it("is of whom it was entered for, where a person says when", () => {
    const stated = reading({ start: at(-86_400_000), basis: "stated" });
    expect(isOwn({ ...stated, provenance: { ...stated.provenance, transport: "manual" } })).toBe(true);
  });

  it("is judged by nothing in the first epoch", () => {
    expect(isOwn(reading({ start: at(-86_400_000) }), "always")).toBe(true);
  });

  it("has to show that it is new while no trusted clock has seen the hand-over", () => {
    expect(isOwn(reading({ start: null, deviceRaw: stamped }), null)).toBe(false);
    expect(isOwn(reading({ start: null, deviceRaw: null }), null)).toBe(true);
  });

  it("that is nobody's says so, is another reading than the assignment's, the same each time, and valid", () => {
    const old = reading({ start: at(-60_000) }, { quality: ["stored", "unconfirmed"] });
    const nobodys = attributed(old, BEGUN);
    expect(nobodys).toMatchObject({ assignment: UNASSIGNED, quality: ["stored", "unconfirmed"], values: old.values });
    expect(nobodys.idem).not.toBe(old.idem);
    expect(nobodys.id).not.toBe(old.id);
    expect(attributed(old, BEGUN)).toEqual(nobodys);
    expect(createReadingValidator()({ ...nobodys, seq: 1 })).toMatchObject({ tag: "ok" });
  });
});
