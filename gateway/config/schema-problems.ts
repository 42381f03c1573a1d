import type { ErrorObject } from "ajv";
import type { ConfigProblem } from "./hub-config.ts";
import { didYouMean } from "./nearest.ts";
import { type ConfigPath, pathText, type SourceMap } from "./source-map.ts";

/** Longest quotation of a wrong value in a message. */
const LONGEST_QUOTE = 60;

const quote = (value: unknown): string => {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const text = JSON.stringify(value);
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}...`;
};

const toPath = (pointer: string): ConfigPath =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));

const kindOf = (type: unknown): string =>
  type === "object"
    ? "a mapping (key: value)"
    : type === "array"
      ? "a list"
      : type === "string"
        ? "text"
        : String(type);

const expectedBy = (error: ErrorObject): string => {
  const stated: unknown = error.parentSchema?.expected;
  if (error.keyword === "maxItems" || error.keyword === "minItems") return String(stated ?? error.message);
  const expected = typeof stated === "string" ? stated : kindOf(error.params.type ?? error.parentSchema?.type);
  const needsQuotes = error.keyword === "type" && error.params.type === "string" && typeof error.data !== "object";
  return needsQuotes && error.data !== null && !expected.includes("quotes") ? `${expected}, in quotes` : expected;
};

/** One problem for each thing that is wrong, in no particular order. */
export const schemaProblems = (errors: readonly ErrorObject[], source: SourceMap): readonly ConfigProblem[] => {
  const choices = new Set(errors.filter((one) => one.keyword === "oneOf").map((one) => one.schemaPath));
  return errors.flatMap((error): ConfigProblem[] => {
    const path = toPath(error.instancePath);
    const { params } = error;
    if (error.keyword === "additionalProperties") {
      const key = String(params.additionalProperty);
      const known = Object.keys((error.parentSchema?.properties ?? {}) as object);
      const message = `unknown key${didYouMean(key, known)}; known here: ${known.join(", ")}`;
      return [{ ...source.keyAt(path, key), path: pathText([...path, key]), message }];
    }
    if (error.keyword === "required") {
      if ([...choices].some((choice) => error.schemaPath.startsWith(`${choice}/`))) return [];
      const missing = String(params.missingProperty);
      return [{ ...source.valueAt(path), path: pathText([...path, missing]), message: "required, but missing" }];
    }
    if (error.keyword === "oneOf") {
      if (typeof error.data !== "object" || error.data === null) return [];
      const found = params.passingSchemas === null ? "neither" : "both";
      return [
        { ...source.valueAt(path), path: pathText(path), message: `expected ${expectedBy(error)}, found ${found}` },
      ];
    }
    if (error.keyword === "discriminator") {
      const place = [...path, String(params.tag)];
      const message = `expected ${String(error.parentSchema?.expected)}, found type ${quote(params.tagValue)}`;
      return [{ ...source.valueAt(place), path: pathText(place), message }];
    }
    const message = `expected ${expectedBy(error)}, found ${quote(error.data)}`;
    return [{ ...source.valueAt(path), path: pathText(path), message }];
  });
};
