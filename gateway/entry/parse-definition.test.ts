import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createDefinitionChecker } from "./definition-schema-check.ts";
import { loadQuestionnaires } from "./load-questionnaires.ts";
import { parseDefinition } from "./parse-definition.ts";

const check = createDefinitionChecker();

const GOOD = `id: short
version: "1"
title: { sv: Kort, en: Short }
languages: [sv, en]
schedule: { days: [mon, wed, fri] }
items:
  - linkId: breath
    type: choice
    text: { sv: Andfådd?, en: Breathless? }
    options:
      - { code: none, text: { sv: "Nej", en: "No" } }
      - { code: some, text: { sv: Lite, en: A little } }
  - linkId: pillows
    type: integer
    text: { sv: Kuddar?, en: Pillows? }
    min: 0
    max: 10
  - linkId: weight
    type: decimal
    text: { sv: Vikt?, en: Weight? }
    required: false
    enableWhen: { linkId: breath, oneOf: [some] }
    min: 20
    max: 300
    unit: kg
    quantity: body-weight
`;

const parse = (text: string, file = "short.yaml") => parseDefinition(text, file, check);

const problems = (text: string, file?: string): readonly string[] => {
  const parsed = parse(text, file);
  if (parsed.tag === "ok") return [];
  return parsed.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`);
};

it("reads a definition with its defaults", () => {
  const parsed = parse(GOOD);
  expect(parsed).toMatchObject({
    tag: "ok",
    questionnaire: {
      id: "short",
      version: "1",
      schedule: { days: ["mon", "wed", "fri"] },
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      items: [
        { linkId: "breath", type: "choice", required: true, enableWhen: null },
        { linkId: "pillows", min: 0, max: 10 },
        { linkId: "weight", required: false, quantity: "body-weight" },
      ],
    },
  });
});

it("has another digest for other words, and the same one for another layout", () => {
  const digest = (text: string): string => {
    const parsed = parse(text);
    return parsed.tag === "ok" ? parsed.questionnaire.digest : "invalid";
  };
  expect(digest(`# A comment\n${GOOD.replace('version: "1"', "version: '1'")}`)).toBe(digest(GOOD));
  for (const [from, to] of [
    ["Breathless?", "Breathless now?"],
    ["max: 10", "max: 11"],
    ["code: some", "code: little"],
    ["required: false", "required: true"],
  ] as const) {
    const changed = GOOD.replace(from, to).replace(
      "oneOf: [some]",
      to.includes("little") ? "oneOf: [little]" : "oneOf: [some]",
    );
    expect(digest(changed), to).toMatch(/^sha256:/);
    expect(digest(changed), to).not.toBe(digest(GOOD));
  }
});

it.each<[string, string, string, RegExp]>([
  ["an unknown key", "min: 0", "mim: 0", /^16 items\[1\]\.mim: unknown key \(did you mean min\?\)/m],
  [
    "an unknown type",
    "type: integer",
    "type: text",
    /^14 items\[1\]\.type: expected one of choice, integer, boolean, decimal, found type "text"/,
  ],
  ["no type", "    type: integer\n", "", /items\[1\]/],
  [
    "a version that is a number",
    'version: "1"',
    "version: 1",
    /^2 version: expected a version such as "1".*, found 1$/,
  ],
  [
    "one option",
    "      - { code: some, text: { sv: Lite, en: A little } }\n",
    "",
    /^11 items\[0\]\.options: expected a list of 2 to 20 options/,
  ],
  [
    "a missing language",
    "{ sv: Kuddar?, en: Pillows? }",
    "{ sv: Kuddar? }",
    /^15 items\[1\]\.text: expected a text in en too/,
  ],
  [
    "a foreign language",
    "{ sv: Kuddar?, en: Pillows? }",
    "{ sv: Kuddar?, en: Pillows?, so: Barkimo? }",
    /^15 items\[1\]\.text: so is not among the languages/,
  ],
  ["a code twice", "code: some", "code: none", /^12 items\[0\]\.options\[1\]\.code: none is an option already/],
  ["a code like a number", "code: none", 'code: "2"', /looks like the option's number; use a word/],
  [
    "a linkId twice",
    "linkId: pillows",
    "linkId: breath",
    /^13 items\[1\]\.linkId: breath is the linkId of a question already/,
  ],
  ["an empty range", "max: 10", "max: 0", /^17 items\[1\]\.max: expected more than min/],
  ["a number with room for an identity", "max: 10", "max: 9999999999", /items\[1\]\.max: expected a whole number/],
  [
    "a quantity that is not checked",
    "quantity: body-weight",
    "quantity: fev6",
    /^26 items\[2\]\.quantity: not in the checked code table/,
  ],
  ["another unit", "unit: kg", "unit: stone", /^25 items\[2\]\.unit: expected kg/],
  [
    "a condition on a later question",
    "linkId: breath, oneOf",
    "linkId: weight, oneOf",
    /^22 items\[2\]\.enableWhen\.linkId: expected the linkId of a question that stands before/,
  ],
  ["a condition on no code", "oneOf: [some]", "oneOf: [much]", /expected codes of breath: none, some/],
  ["a condition on a number of no number", "oneOf: [some]", "atLeast: 2", /breath is no number/],
  ["a condition that cannot be", "oneOf: [some]", "equals: true", /is no answer of breath/],
  ["two conditions", "oneOf: [some]", "oneOf: [some], equals: some", /expected one of equals, oneOf or atLeast/],
  ["a day of no week", "[mon, wed, fri]", "[monday]", /^5 schedule\.days\[0\]: expected a day such as mon/],
  ["another name than its file", "id: short", "id: long", /^1 id: expected short, as the file is named/],
  ["broken YAML", "items:", "items: [", /not valid YAML/],
])("refuses %s with its line", (_what, from, to, sentence) => {
  expect(GOOD).toContain(from);
  expect(problems(GOOD.replace(from, to)).join("\n")).toMatch(sentence);
});

it("names every problem of a file at once", () => {
  expect(
    problems(GOOD.replace("min: 0", "least: 0").replace("min: 20", "least: 20").replace("fri", "fry")).length,
  ).toBeGreaterThanOrEqual(3);
});

it("never fails on any text", () => {
  const any = fc.property(
    fc.oneof(fc.string(), fc.json(), fc.constantFrom("", "null", "- a", "a: *x", "a: &a [*a]")),
    (text) => {
      expect(parse(text).tag).toBe("invalid");
    },
  );
  void fc.assert(any);
});

it("offers the shipped example, in Swedish and English, three times a week", async () => {
  const { all, problems: found } = await loadQuestionnaires(null);
  expect(found).toEqual([]);
  expect(all.map(({ id, version, languages, schedule }) => ({ id, version, languages, schedule }))).toEqual([
    { id: "heart-failure-short", version: "1", languages: ["sv", "en"], schedule: { timesPerWeek: 3 } },
  ]);
});

it("offers a region's folder instead of the example, and says what is wrong in it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-forms-"));
  try {
    await writeFile(join(folder, "short.yaml"), GOOD);
    await writeFile(join(folder, "wrong.yaml"), GOOD.replace("max: 10", "max: 0"));
    await writeFile(join(folder, "large.yaml"), "#".repeat(600_000));
    await writeFile(join(folder, "notes.txt"), "not a form");
    const { all, problems: found } = await loadQuestionnaires(folder);
    expect(all.map(({ id }) => id)).toEqual(["short"]);
    expect(found).toEqual([
      `${join(folder, "large.yaml")}: 600000 bytes, at most 524288; split it`,
      expect.stringMatching(/wrong\.yaml:17:10 items\[1\]\.max: expected more than min$/),
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(await loadQuestionnaires(folder)).toEqual({
    all: [],
    problems: [`questionnaires ${folder}: no such file; give the folder that holds their YAML files`],
  });
});
