import type { ValidateFunction } from "ajv";
import { compileCheck, type SchemaCheck } from "../../protocol/schema-check.ts";

const word = { type: "string", minLength: 1, maxLength: 64 };

const UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

const mapOf = (most: number, values: object): object => ({
  type: "object",
  minProperties: 1,
  maxProperties: most,
  additionalProperties: values,
});

const schema = {
  type: "object",
  properties: {
    schema: { const: "entry/1" },
    entry: { type: "string", pattern: UUID },
    by: { enum: ["patient", "technician"] },
    at: word,
    replaces: word,
    confirm: { type: "boolean" },
    kind: word,
    values: mapOf(8, {
      type: "object",
      properties: { value: word, unit: word },
      required: ["value"],
      additionalProperties: false,
    }),
    choices: mapOf(4, word),
    questionnaire: { type: "string", minLength: 1, maxLength: 100 },
    language: word,
    answers: mapOf(40, { oneOf: [word, { type: "boolean" }, { type: "integer" }] }),
    withdraw: { const: true },
  },
  required: ["schema", "entry"],
  oneOf: [
    { required: ["kind", "values"], not: { anyOf: [{ required: ["answers"] }, { required: ["language"] }] } },
    { required: ["questionnaire", "answers"], not: { anyOf: [{ required: ["values"] }, { required: ["choices"] }] } },
    {
      required: ["withdraw", "replaces"],
      not: { anyOf: [{ required: ["values"] }, { required: ["answers"] }, { required: ["at"] }] },
    },
  ],
  additionalProperties: false,
};

export const ENTRY_REQUEST_CHECK: SchemaCheck = { schema, options: { allErrors: false, strict: false } };

export const createEntryRequestCheck = <T>(): ValidateFunction<T> => compileCheck<T>(ENTRY_REQUEST_CHECK);
