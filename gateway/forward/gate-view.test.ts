import { expect, it } from "vitest";
import type { Seq } from "../../protocol/ids.ts";
import type { ReadingText } from "../../protocol/ports/outbox.ts";
import type { Reading } from "../../protocol/reading.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { viewTexts } from "./gate-view.ts";

const timed = (seq: number): Reading => ({ ...sampleReading(seq), seq: seq as Seq });
const untimed = (seq: number): Reading => {
  const reading = timed(seq);
  const received = { ...reading.time.received, utc: null };
  return { ...reading, time: { ...reading.time, received } };
};
const textOf = (one: Reading): ReadingText => ({ seq: one.seq, json: Buffer.from(JSON.stringify(one)) });

const gateOver = (leavesTimed: boolean) => {
  const shown: number[] = [];
  const view = (readings: readonly Reading[]): readonly Reading[] => {
    shown.push(...readings.map(({ seq }) => seq));
    return readings.map((one) => (one.time.received.utc === null ? { ...one, flags: ["irregular-pulse"] } : one));
  };
  return { shown, gate: { leavesTimed, view } };
};

it("shows the gate what has no time of reception, and sends the rest as it lies on the disk", () => {
  const { shown, gate } = gateOver(true);
  const texts = [timed(1), untimed(2), timed(3)].map(textOf);
  const viewed = viewTexts(texts, gate);
  expect(shown).toEqual([2]);
  expect(viewed[0]).toBe(texts[0]);
  expect(viewed[2]).toBe(texts[2]);
  expect(JSON.parse(Buffer.from(viewed[1]?.json ?? []).toString())).toEqual({
    ...untimed(2),
    flags: ["irregular-pulse"],
  });
});

it("shows everything to a gate that wants to see it", () => {
  const { shown, gate } = gateOver(false);
  const texts = [timed(1), untimed(2), timed(3)].map(textOf);
  expect(viewTexts(texts, gate).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(shown).toEqual([1, 2, 3]);
});
