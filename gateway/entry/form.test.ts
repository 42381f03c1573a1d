import { expect, it } from "vitest";
import type { Questionnaire } from "./definition.ts";
import { beginForm, type Form, filledForm, nextItem, putItems, withAnswer, withAnswers, withoutLast } from "./form.ts";

const words = (text: string) => ({ sv: text, en: text });

const always = { required: true, enableWhen: null } as const;

const QUESTIONNAIRE: Questionnaire = {
  id: "short",
  version: "3",
  title: words("Short"),
  languages: ["sv", "en"],
  schedule: null,
  digest: `sha256:${"0".repeat(64)}`,
  items: [
    {
      ...always,
      linkId: "swelling",
      type: "choice",
      text: words("Swollen?"),
      options: ["none", "some", "much"].map((code) => ({ code, text: words(code) })),
    },
    {
      ...always,
      linkId: "worse",
      type: "boolean",
      text: words("Worse?"),
      enableWhen: { linkId: "swelling", oneOf: ["some", "much"] },
    },
    {
      ...always,
      linkId: "since",
      type: "integer",
      text: words("Days?"),
      min: 0,
      max: 30,
      enableWhen: { linkId: "worse", equals: true },
    },
    { ...always, linkId: "pillows", type: "integer", text: words("Pillows?"), min: 0, max: 10 },
    {
      ...always,
      linkId: "upright",
      type: "boolean",
      text: words("Upright?"),
      enableWhen: { linkId: "pillows", atLeast: 3 },
    },
    {
      ...always,
      required: false,
      linkId: "weight",
      type: "decimal",
      text: words("Weight?"),
      min: 20,
      max: 300,
      unit: "kg",
      quantity: "body-weight",
    },
    {
      ...always,
      required: false,
      linkId: "scale",
      type: "decimal",
      text: words("0-10?"),
      min: 0,
      max: 10,
      unit: "1",
      quantity: null,
    },
  ],
};

const begun = beginForm(QUESTIONNAIRE, null);

const answered = (...answers: readonly string[]): Form =>
  answers.reduce((form, answer) => withAnswer(form, nextItem(form)?.linkId ?? "none", answer), begun);

const asked = (form: Form): readonly string[] => putItems(form).map(({ linkId }) => linkId);

it("puts a question only where its condition holds, along a chain of conditions", () => {
  expect(asked(begun)).toEqual(["swelling", "pillows", "weight", "scale"]);
  expect(asked(answered("none"))).toEqual(["swelling", "pillows", "weight", "scale"]);
  expect(asked(answered("some", "yes"))).toEqual(["swelling", "worse", "since", "pillows", "weight", "scale"]);
  expect(asked(answered("some", "no", "4"))).toEqual(["swelling", "worse", "pillows", "upright", "weight", "scale"]);
});

it("makes codes and numbers of the answers, and a measurement one of the values", () => {
  const filled = filledForm(answered("2", "ja", "3", "4", "nej", "81,0", "2.0"));
  expect(filled.questionnaire).toEqual({
    id: "short",
    version: "3",
    digest: QUESTIONNAIRE.digest,
    language: "sv",
    answers: [
      { linkId: "swelling", code: "some" },
      { linkId: "worse", boolean: true },
      { linkId: "since", integer: 3 },
      { linkId: "pillows", integer: 4 },
      { linkId: "upright", boolean: false },
      { linkId: "weight", mdc: 188736 },
      { linkId: "scale", decimal: 2, decimals: 1, unit: "1" },
    ],
  });
  expect(filled.values).toEqual([{ mdc: 188736, name: "MDC_MASS_BODY_ACTUAL", value: 81, decimals: 1, unit: "kg" }]);
  expect(filled.typed).toBe("short@3 swelling=some worse=true since=3 pillows=4 upright=false weight=81.0 scale=2.0");
});

it("says of an open question that it was asked and declined, and of one that was not put nothing", () => {
  const { questionnaire, values } = filledForm(answered("none", "2", "skip"));
  expect(questionnaire.answers).toEqual([
    { linkId: "swelling", code: "none" },
    { linkId: "pillows", integer: 2 },
    { linkId: "weight", absent: "asked-declined" },
    { linkId: "scale", absent: "asked-declined" },
  ]);
  expect(values).toEqual([]);
});

it("forgets the answers of questions that a changed answer no longer puts", () => {
  const changed = withAnswer(answered("much", "yes", "3", "2"), "swelling", "none");
  expect(filledForm(changed).questionnaire.answers.map(({ linkId }) => linkId)).toEqual([
    "swelling",
    "pillows",
    "weight",
    "scale",
  ]);
});

it("goes back one answer at a time", () => {
  const form = answered("much", "yes");
  expect(nextItem(form)?.linkId).toBe("since");
  expect(nextItem(withoutLast(form))?.linkId).toBe("worse");
  expect(nextItem(withoutLast(withoutLast(withoutLast(form))))?.linkId).toBe("swelling");
});

it("cannot be submitted before every required question is answered, and names those that are not", () => {
  expect(() => filledForm(answered("some"))).toThrow("not answered: worse, pillows; answer them, then submit again");
});

it.each<[string, string, RegExp]>([
  ["swelling", "4", /swelling: "4" is no answer of it; answer 1 \(none\), 2 \(some\), 3 \(much\)/],
  ["swelling", "0", /no answer/],
  ["swelling", "skip", /swelling: needs an answer; it cannot be skipped/],
  ["pillows", "11", /answer a whole number from 0 to 10/],
  ["pillows", "2.5", /answer a whole number/],
  ["pillows", "-1", /answer a whole number/],
  ["weight", "19", /answer a number from 20 to 300, in kg/],
  ["weight", "eighty", /answer a number/],
  ["worse", "yes", /worse is not asked under these answers; leave it out/],
  ["name", "Anna", /"name" is no question of short@3; correct its linkId/],
])("refuses for %s the answer %j", (linkId, text, sentence) => {
  expect(() => withAnswer(begun, linkId, text)).toThrow(sentence);
});

it("takes all answers at once in any order, and refuses what does not belong", () => {
  const given = new Map([
    ["pillows", "1"],
    ["since", "2"],
    ["worse", "true"],
    ["swelling", "much"],
  ]);
  expect(filledForm(withAnswers(begun, given)).questionnaire.answers.slice(0, 4)).toEqual([
    { linkId: "swelling", code: "much" },
    { linkId: "worse", boolean: true },
    { linkId: "since", integer: 2 },
    { linkId: "pillows", integer: 1 },
  ]);
  expect(() => withAnswers(begun, new Map([...given, ["swelling", "none"]]))).toThrow(/worse is not asked/);
  expect(() => withAnswers(begun, new Map([...given, ["mood", "1"]]))).toThrow(/"mood" is no question/);
});

it("is in a language that the form has", () => {
  expect(beginForm(QUESTIONNAIRE, "en").language).toBe("en");
  expect(() => beginForm(QUESTIONNAIRE, "fi")).toThrow(/short@3: not in language "fi"; it has sv, en/);
});
