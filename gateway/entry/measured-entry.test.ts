import fc from "fast-check";
import { expect, it } from "vitest";
import { isHubError } from "../../protocol/errors.ts";
import type { ReadingValue } from "../../protocol/reading.ts";
import { ENTRY_KINDS } from "./entry-kind.ts";
import { givenEntry, splitOptions } from "./entry-words.ts";
import { measuredEntry } from "./measured-entry.ts";
import { numberText, typedNumber } from "./typed-number.ts";

const entered = (line: string) => measuredEntry(givenEntry(line.split(" ")));

const short = (values: readonly ReadingValue[]): string =>
  values
    .map((one) => (one.value === null ? "-" : `${one.name} ${one.value.toFixed(one.decimals)} ${one.unit}`))
    .join("; ");

it.each([
  [
    "blood-pressure sys=142 dia=88 pulse=71",
    "MDC_PRESS_BLD_NONINV_SYS 142 mm[Hg]; MDC_PRESS_BLD_NONINV_DIA 88 mm[Hg]; MDC_PULS_RATE_NON_INV 71 /min",
  ],
  [
    "bp pulse=71 142/88",
    "MDC_PRESS_BLD_NONINV_SYS 142 mm[Hg]; MDC_PRESS_BLD_NONINV_DIA 88 mm[Hg]; MDC_PULS_RATE_NON_INV 71 /min",
  ],
  ["blood-pressure 18,9 11,7 kPa", "MDC_PRESS_BLD_NONINV_SYS 18.9 kPa; MDC_PRESS_BLD_NONINV_DIA 11.7 kPa"],
  ["weight 81.4", "MDC_MASS_BODY_ACTUAL 81.4 kg"],
  ["weight 81,40kg", "MDC_MASS_BODY_ACTUAL 81.40 kg"],
  ["vikt 180 lb", "MDC_MASS_BODY_ACTUAL 180 [lb_av]"],
  ["temperature 38.2", "MDC_TEMP_BODY 38.2 Cel"],
  ["temp 38.0 site=ear", "MDC_TEMP_TYMP 38.0 Cel"],
  ["temperature 100.4 F site=rectum", "MDC_TEMP_RECT 100.4 [degF]"],
  ["spo2 93 pulse 80", "MDC_PULS_OXIM_SAT_O2 93 %; MDC_PULS_OXIM_PULS_RATE 80 /min"],
  ["SpO2 93%", "MDC_PULS_OXIM_SAT_O2 93 %"],
  ["glucose 7.2", "MDC_CONC_GLU_GEN 7.2 mmol/L"],
  ["glucose 130 mg/dL meal=after", "MDC_CONC_GLU_GEN 130 mg/dL"],
  ["peak-flow 420", "MDC_FLOW_AWAY_EXP_FORCED_PEAK 420 L/min"],
  ["spirometry fev1=2,41 fvc=3,10", "MDC_VOL_AWAY_EXP_FORCED_1S 2.41 L; MDC_VOL_AWAY_EXP_FORCED_CAPACITY 3.10 L"],
])("takes %j as typed, with its code and unit", (line, values) => {
  const entry = entered(line);
  expect(short(entry.values)).toBe(values);
  expect(entry.doubts).toEqual([]);
});

it("keeps what was typed: 2.0 is not 2, and a comma is a point", () => {
  expect(typedNumber("2")).toEqual({ value: 2, decimals: 0 });
  expect(typedNumber("2.0")).toEqual({ value: 2, decimals: 1 });
  expect(typedNumber("2,00")).toEqual({ value: 2, decimals: 2 });
  const back = fc.property(fc.integer({ min: 0, max: 9999 }), fc.stringMatching(/^\d{0,3}$/), (whole, decimals) => {
    const text = decimals === "" ? String(whole) : `${whole}.${decimals}`;
    const number = typedNumber(text);
    expect(number === null ? null : numberText(number)).toBe(text);
  });
  void fc.assert(back);
});

it.each(["", "-1", "1e3", "12345", "1.2345", "1 2", "0x10", "1,234.5", "191212121212", "١٢", "NaN", "."])(
  "does not take %j for a number",
  (text) => {
    expect(typedNumber(text)).toBeNull();
  },
);

it.each([
  ["weight 814", /weight 814 kg is outside what is usual \(25 to 300 kg\)/],
  ["weight 180 kg", null],
  ["weight 700 lb", /outside/],
  ["temperature 100.4", /temperature 100.4 Cel is outside/],
  ["blood-pressure 88/142", /the diastolic pressure is not below the systolic/],
  ["spo2 930", /outside/],
  ["glucose 72", /outside/],
])("doubts %j once, and alters nothing", (line, doubt) => {
  const entry = entered(line);
  if (doubt === null) expect(entry.doubts).toEqual([]);
  else expect(entry.doubts.join("; ")).toMatch(doubt);
  expect(entry.values[0]).toMatchObject({ value: Number(/\d+(\.\d+)?/.exec(line.replace("spo2", ""))?.[0]) });
});

it.each([
  ["", /is nothing that can be entered; choose one of blood-pressure, weight/],
  ["height 180", /"height" is nothing that can be entered/],
  ["weight", /weight needs weight; for example: entry add weight 81,4/],
  ["weight 81.4 82", /one value too many/],
  ["weight 81.4 stone", /"stone" is no unit of it; give it in kg or \[lb_av\]/],
  ["weight heavy", /"heavy" is not understood/],
  ["weight 81.4 kg Anna", /"Anna" is not understood/],
  ["weight 12345", /no number that can be entered; give up to 4 digits/],
  ["weight 191212121212", /no number/],
  ["blood-pressure sys=142", /needs dia/],
  ["blood-pressure sys=142 sys=143 dia=88", /sys is given twice/],
  ["blood-pressure sys=142mmHg dia=11.7kPa", /units differ/],
  ["blood-pressure 142/88 weight=81", /"weight" does not belong to blood-pressure/],
  ["spo2 93 pulse", /pulse has no value/],
  ["glucose 7.2 meal=lunch", /meal: "lunch" is not known; choose one of fasting/],
  ["glucose 7.2 meal=before meal=after", /given twice/],
  ["glucose 7.2 comment=tired", /does not belong/],
])("refuses %j with the next step", (line, sentence) => {
  expect(() => entered(line)).toThrow(sentence);
});

it("has an example of every kind that it takes itself", () => {
  for (const { word, example } of ENTRY_KINDS) {
    const [, , ...words] = example.split(" ");
    const entry = measuredEntry(givenEntry(words));
    expect(entry.word).toBe(word);
    expect(entry.doubts).toEqual([]);
  }
});

it("keeps in what it records nothing that it did not understand", () => {
  expect(entered("glucose 7,2 mmol meal=Before").typed).toBe("glucose glucose=7,2mmol/L meal=before");
  const word = fc.oneof(
    fc.constantFrom(
      "weight",
      "spo2",
      "bp",
      "sys=142",
      "142/88",
      "81,4",
      "kg",
      "pulse",
      "=",
      "site=ear",
      "meal=",
      "confirm",
    ),
    fc.string(),
    fc.stringMatching(/^[a-z]{1,5}=\d{1,5}[a-z]{0,3}$/),
  );
  const hostile = fc.property(fc.array(word, { maxLength: 12 }), (words) => {
    try {
      const { rest } = splitOptions(words);
      expect(measuredEntry(givenEntry(rest)).typed).toMatch(/^[a-z0-9-]+( [a-z0-9]+=[a-z0-9.,%/[\]_LCF]+)+$/i);
    } catch (thrown) {
      expect(isHubError(thrown, "invalid-argument"), String(thrown)).toBe(true);
    }
  });
  void fc.assert(hostile, { numRuns: 2000 });
});

it("takes the options out of the words, and each once", () => {
  const { rest, options, confirm } = splitOptions(["weight", "at=08:15", "81,4", "BY=patient", "confirm"]);
  expect(rest).toEqual(["weight", "81,4"]);
  expect(Object.fromEntries(options)).toEqual({ at: "08:15", by: "patient" });
  expect(confirm).toBe(true);
  expect(() => splitOptions(["at=08:15", "at=08:16"])).toThrow(/at is given twice/);
  expect(() => splitOptions(Array.from({ length: 25 }, () => "x"))).toThrow(/25 words; an entry has at most 24/);
});
