import { expect, it } from "vitest";
import { sampleReading } from "../tests/support/sample-reading.ts";
import { isHubError } from "./errors.ts";
import { createReadingValidator, requireReading } from "./validate.ts";

const validate = createReadingValidator();
const valid = (): Record<string, unknown> => ({ ...structuredClone(sampleReading()), seq: 4711 });

/** The reading with the member at `path` replaced, or deleted where `value` is undefined. */
const changed = (path: readonly string[], value: unknown): unknown => {
  const copy = valid();
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = path.at(-1) ?? "";
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
};

it("accepts a complete reading and one with an absent value", () => {
  expect(validate(valid()).tag).toBe("ok");
  const absent = { mdc: 150023, name: "MDC_PRESS_BLD_NONINV_MEAN", value: null, absent: "not-a-number" };
  expect(validate(changed(["values"], [absent])).tag).toBe("ok");
});

/** A questionnaire with these answers, in a reading of `kind`. */
const filledIn = (answers: readonly unknown[], kind = "questionnaire"): unknown => ({
  ...valid(),
  kind,
  values: [],
  questionnaire: { id: "short", version: "1", digest: `sha256:${"0".repeat(64)}`, language: "sv", answers },
});

it("accepts every kind of answer, and a questionnaire in a reading of its kind only", () => {
  const answers = [
    { linkId: "breath", code: "none" },
    { linkId: "pillows", integer: 2 },
    { linkId: "upright", boolean: false },
    { linkId: "scale", decimal: 2, decimals: 1, unit: "1" },
    { linkId: "weight", mdc: 188736 },
    { linkId: "swelling", absent: "asked-declined" },
  ];
  expect(validate(filledIn(answers))).toMatchObject({ tag: "ok" });
  expect(validate(filledIn(answers, "body-weight")).tag).toBe("invalid");
  expect(validate(changed(["kind"], "questionnaire"))).toMatchObject({
    tag: "invalid",
    reason: expect.stringContaining("questionnaire"),
  });
});

it.each<[string, unknown]>([
  ["text", { linkId: "breath", text: "worse since Tuesday" }],
  ["two answers at once", { linkId: "breath", code: "none", integer: 2 }],
  ["no answer", { linkId: "breath" }],
  ["a number without its precision", { linkId: "scale", decimal: 2 }],
  ["no question", { code: "none" }],
  ["a code with a space", { linkId: "breath", code: "Anna Andersson" }],
])("refuses an answer of %s", (_what, answer) => {
  expect(validate(filledIn([answer])).tag).toBe("invalid");
});

it.each<[string, readonly string[], unknown]>([
  ["no sequence number", ["seq"], undefined],
  ["sequence number 0", ["seq"], 0],
  ["an unknown member", ["patientName"], "somebody"],
  ["a local time", ["time", "start"], "2026-06-15T17:17:27"],
  ["an unknown basis", ["time", "basis"], "guess"],
  ["a value without unit", ["values"], [{ mdc: 1, name: "X", value: 1, decimals: 0 }]],
  ["a number and a reason for its absence", ["values"], [{ mdc: 1, name: "X", value: 1, absent: "error" }]],
  ["a negative precision", ["values"], [{ mdc: 1, name: "X", value: 1, decimals: -1, unit: "%" }]],
  ["an odd number of hex digits", ["provenance", "rawHex"], "abc"],
  ["a driver without version", ["provenance", "driver"], "gatt"],
  ["no clock state", ["time", "hubClock"], undefined],
  ["a system id of the wrong length", ["device", "systemId"], "0123"],
])("refuses %s", (_what, path, value) => {
  expect(validate(changed(path, value)).tag).toBe("invalid");
});

it("names the place and never the value in its error", () => {
  let thrown: unknown;
  try {
    requireReading(validate, changed(["assignment"], "19121212 1212"));
  } catch (error) {
    thrown = error;
  }
  expect(isHubError(thrown, "invalid-reading")).toBe(true);
  expect(String(thrown)).toContain("/assignment");
  expect(String(thrown)).not.toContain("19121212");
});
