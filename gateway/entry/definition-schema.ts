/** Most questions of one form, and options of one question: what somebody answers at a kitchen table. */
export const MOST_ITEMS = 40;
const MOST_OPTIONS = 20;

/** A number typed as an answer must not have room for a personal identity number (10 or 12 digits). */
const LARGEST_NUMBER = 100_000;

const LANGUAGE = "^[a-z]{2,3}(-[A-Z]{2})?$";

const texts = {
  type: "object",
  minProperties: 1,
  maxProperties: 16,
  propertyNames: { pattern: LANGUAGE },
  additionalProperties: { type: "string", minLength: 1, maxLength: 400, expected: "1 to 400 characters of text" },
  expected: "a text in each language such as {sv: Ja, en: Yes}",
};

const linkId = {
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$",
  expected: "1 to 32 letters, digits, dots, dashes or underscores",
};

const number = { type: "number", minimum: -LARGEST_NUMBER, maximum: LARGEST_NUMBER };
const whole = {
  type: "integer",
  minimum: -LARGEST_NUMBER,
  maximum: LARGEST_NUMBER,
  expected: "a whole number such as 10",
};

const enableWhen = {
  type: "object",
  properties: {
    linkId,
    equals: { type: ["string", "number", "boolean"] },
    oneOf: { type: "array", minItems: 1, maxItems: MOST_OPTIONS, items: { type: "string" } },
    atLeast: { ...number, expected: "a number such as 2" },
  },
  required: ["linkId"],
  oneOf: [{ required: ["equals"] }, { required: ["oneOf"] }, { required: ["atLeast"] }],
  additionalProperties: false,
  expected: "one of equals, oneOf or atLeast",
};

const common = {
  linkId,
  text: texts,
  required: { type: "boolean", expected: "true or false" },
  enableWhen,
};

const ofType = (type: string, more: Readonly<Record<string, object>>, required: readonly string[]): object => ({
  properties: { ...common, type: { const: type }, ...more },
  required: ["linkId", "text", ...required],
  additionalProperties: false,
});

const option = {
  type: "object",
  properties: { code: linkId, text: texts },
  required: ["code", "text"],
  additionalProperties: false,
};

const options = {
  type: "array",
  minItems: 2,
  maxItems: MOST_OPTIONS,
  items: option,
  expected: `a list of 2 to ${MOST_OPTIONS} options`,
};

/** What the file of a questionnaire must look like (JSON Schema draft-07, with `expected` as people read it). */
export const DEFINITION_SCHEMA = {
  type: "object",
  properties: {
    id: {
      type: "string",
      pattern: "^[a-z0-9][a-z0-9-]{0,63}$",
      expected: "small letters, digits and dashes such as heart-failure-short",
    },
    version: { type: "string", pattern: "^[A-Za-z0-9._-]{1,32}$", expected: 'a version such as "1"' },
    title: texts,
    languages: {
      type: "array",
      minItems: 1,
      maxItems: 16,
      uniqueItems: true,
      items: { type: "string", pattern: LANGUAGE, expected: "a language such as sv" },
      expected: "the languages of every text such as [sv, en]",
    },
    schedule: {
      type: "object",
      properties: {
        timesPerWeek: { type: "integer", minimum: 1, maximum: 7, expected: "1 to 7" },
        days: {
          type: "array",
          minItems: 1,
          maxItems: 7,
          uniqueItems: true,
          items: { enum: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], expected: "a day such as mon" },
          expected: "days such as [mon, wed, fri]",
        },
      },
      oneOf: [{ required: ["timesPerWeek"] }, { required: ["days"] }],
      additionalProperties: false,
      expected: "one of timesPerWeek or days",
    },
    items: {
      type: "array",
      minItems: 1,
      maxItems: MOST_ITEMS,
      expected: `a list of 1 to ${MOST_ITEMS} questions`,
      items: {
        type: "object",
        discriminator: { propertyName: "type" },
        required: ["type"],
        expected: "one of choice, integer, boolean, decimal",
        oneOf: [
          ofType("choice", { options }, ["options"]),
          ofType("integer", { min: whole, max: whole }, ["min", "max"]),
          ofType("boolean", {}, []),
          ofType(
            "decimal",
            {
              min: { ...number, expected: "a number such as 0" },
              max: { ...number, expected: "a number such as 10" },
              unit: { type: "string", minLength: 1, maxLength: 32, expected: "a UCUM unit such as kg, or 1" },
              quantity: { type: "string", expected: "a quantity of the code table such as body-weight" },
            },
            ["min", "max", "unit"],
          ),
        ],
      },
    },
  },
  required: ["id", "version", "title", "languages", "items"],
  additionalProperties: false,
} as const;
