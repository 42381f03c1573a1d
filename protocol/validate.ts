import type { ErrorObject } from "ajv";
import { HubError } from "./errors.ts";
import type { Reading } from "./reading.ts";
import { createReadingCheck } from "./reading-schema-check.ts";

export type Validated =
  | { readonly tag: "ok"; readonly reading: Reading }
  | { readonly tag: "invalid"; readonly reason: string };

/** Check parsed JSON against Reading, version 1. The reason names place and rule, never the value found. */
export type ReadingValidator = (candidate: unknown) => Validated;

const sentence = (errors: readonly ErrorObject[] | null | undefined): string => {
  const error = errors?.find((one) => one.keyword !== "oneOf") ?? errors?.[0];
  if (error === undefined) return "not a reading";
  const named = typeof error.params.additionalProperty === "string" ? ` (${error.params.additionalProperty})` : "";
  return `${error.instancePath === "" ? "reading" : error.instancePath} ${error.message ?? "is not valid"}${named}`;
};

/** The validator is pure. */
export const createReadingValidator = (): ReadingValidator => {
  const check = createReadingCheck();
  return (candidate) =>
    check(candidate) ? { tag: "ok", reading: candidate } : { tag: "invalid", reason: sentence(check.errors) };
};

/** The reading, or a HubError `invalid-reading` that says which field is wrong. */
export const requireReading = (validate: ReadingValidator, candidate: unknown): Reading => {
  const result = validate(candidate);
  if (result.tag === "invalid") throw new HubError("invalid-reading", `reading/1: ${result.reason}`);
  return result.reading;
};
