import type { ValidateFunction } from "ajv";
import { compileCheck, type SchemaCheck } from "../../protocol/schema-check.ts";
import schema from "./entry-1.schema.json" with { type: "json" };

export const ENTRY_CHECK: SchemaCheck = {
  schema,
  options: {
    allErrors: true,
    verbose: true,
    discriminator: true,
    allowUnionTypes: true,
    strict: true,
    strictRequired: false,
    strictTypes: false,
  },
};

/** Compiled once for all entries of a load. */
export const createEntryChecker = (): ValidateFunction => compileCheck(ENTRY_CHECK);
