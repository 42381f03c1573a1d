import { expect, it } from "vitest";
import { type IdemParts, idemOf, readingIdOf } from "./idem.ts";
import { assignmentId } from "./ids.ts";
import { DNS_NAMESPACE, uuidV5 } from "./uuid.ts";

const parts: IdemParts = {
  assignment: assignmentId("a-1"),
  device: "ble:c0:26:da:00:00:01",
  values: [
    { mdc: 150021, name: "SYS", value: 120, decimals: 0, unit: "mm[Hg]" },
    { mdc: 150022, name: "DIA", value: null, absent: "not-a-number" },
  ],
  supplemental: [2, 1],
  when: { deviceRaw: "2026-06-15T17:17:27" },
  durationMs: null,
  deviceSequence: null,
};

it("is the same for the same measurement whatever the order of its values and codes", () => {
  const swapped = { ...parts, values: parts.values.toReversed(), supplemental: [1, 2] };
  expect(idemOf(swapped)).toBe(idemOf(parts));
  expect(idemOf(parts)).toMatch(/^sha256:[0-9a-f]{64}$/);
});

it.each<[string, Partial<IdemParts>]>([
  ["assignment", { assignment: assignmentId("a-2") }],
  ["device", { device: "serial:2" }],
  ["device time", { when: { deviceRaw: "2026-06-15T17:17:28" } }],
  ["boot and counter", { when: { bootId: "b", counter: 1 } }],
  ["duration", { durationMs: 1000 }],
  ["sequence number of the sensor", { deviceSequence: 7 }],
  ["supplemental code", { supplemental: [1] }],
  ["precision", { values: [{ mdc: 150021, name: "SYS", value: 120, decimals: 1, unit: "mm[Hg]" }] }],
  ["special value", { values: [{ mdc: 150021, name: "SYS", value: null, absent: "error" }] }],
])("changes with the %s", (_what, change) => {
  expect(idemOf({ ...parts, ...change })).not.toBe(idemOf(parts));
});

it("changes with an answer of a questionnaire, not with the order of answers or their language", () => {
  const form = { id: "short", version: "1", digest: "sha256:0", language: "sv" };
  const answers = [
    { linkId: "a", code: "none" },
    { linkId: "b", integer: 2 },
  ] as const;
  const filled = idemOf({ ...parts, questionnaire: { ...form, answers } });
  expect(filled).not.toBe(idemOf(parts));
  expect(idemOf({ ...parts, questionnaire: { ...form, language: "en", answers: answers.toReversed() } })).toBe(filled);
  for (const other of [
    { ...form, answers: [{ linkId: "a", code: "some" }, answers[1]] },
    { ...form, answers: [answers[0]] },
    { ...form, version: "2", answers },
    { ...form, digest: "sha256:1", answers },
  ]) {
    expect(idemOf({ ...parts, questionnaire: other })).not.toBe(filled);
  }
});

it("gives a version 5 UUID that follows from the idem alone", () => {
  const id = readingIdOf(idemOf(parts));
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(readingIdOf(idemOf(parts))).toBe(id);
  expect(readingIdOf(idemOf({ ...parts, deviceSequence: 1 }))).not.toBe(id);
});

it("makes the version 5 UUID of RFC 9562 appendix A.4", () => {
  expect(uuidV5(DNS_NAMESPACE, "www.example.com")).toBe("2ed6657d-e927-568b-95e1-2665a8aea6a2");
});
