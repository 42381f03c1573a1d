import type { ErrorObject, ValidateFunction } from "ajv";
import { createEntryRequestCheck } from "./request-schema-check.ts";
import { wrongEntry } from "./wrong-entry.ts";

/**
 * One entry or one filled-in form as a program sends it (docs/manual-entry.md), for the page of the patient. Numbers are
 * texts, because 2.0 is not 2.
 */
export type EntryRequest = {
  readonly schema: "entry/1";
  /** UUID that the page made for this form: sent again, it is the same entry. */
  readonly entry: string;
  readonly by?: "patient" | "technician";
  readonly at?: string;
  readonly replaces?: string;
  /** Unusual values have been confirmed. */
  readonly confirm?: boolean;
} & (
  | {
      readonly kind: string;
      readonly values: Readonly<Record<string, { readonly value: string; readonly unit?: string }>>;
      readonly choices?: Readonly<Record<string, string>>;
    }
  | {
      readonly questionnaire: string;
      readonly language?: string;
      readonly answers: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly withdraw: true }
);

/** Reads the text of a request. Throws HubError `invalid-argument` that names the place, never what was found there. */
export type EntryRequestReader = (text: string) => EntryRequest;

const NEXT = "docs/manual-entry.md has the form of a request";

const sentence = (errors: readonly ErrorObject[] | null | undefined): string => {
  const known = errors?.find(({ keyword }) => keyword === "additionalProperties");
  if (known !== undefined) return `${known.instancePath || "request"} has a member that is not known`;
  const error = errors?.find(({ schemaPath }) => !schemaPath.startsWith("#/oneOf")) ?? errors?.[0];
  if (error === undefined || error.schemaPath.startsWith("#/oneOf")) {
    return "request needs kind and values, or questionnaire and answers, or withdraw and replaces";
  }
  return `${error.instancePath || "request"} ${error.message ?? "is not valid"}`;
};

/** Compiles the schema at the first request: most hubs never get one. */
export const createEntryRequestReader = (): EntryRequestReader => {
  let compiled: ValidateFunction<EntryRequest> | null = null;
  return (text) => {
    compiled ??= createEntryRequestCheck<EntryRequest>();
    const check = compiled;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw wrongEntry("request: not JSON", NEXT);
    }
    if (check(value)) return value;
    throw wrongEntry(`request: ${sentence(check.errors)}`, NEXT);
  };
};
