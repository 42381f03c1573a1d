import type { ValidateFunction } from "ajv";
import { compileCheck, type SchemaCheck } from "../../protocol/schema-check.ts";
import schema from "./capture-1.schema.json" with { type: "json" };

export const CAPTURE_CHECK: SchemaCheck = {
  schema,
  options: { allErrors: true, allowUnionTypes: true, verbose: true, strict: true },
};

/** Compiled once for all captures of a run. */
export const createCaptureChecker = (): ValidateFunction => compileCheck(CAPTURE_CHECK);
