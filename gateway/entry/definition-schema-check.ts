import type { ValidateFunction } from "ajv";
import { compileCheck, type SchemaCheck } from "../../protocol/schema-check.ts";
import { DEFINITION_SCHEMA } from "./definition-schema.ts";

export const DEFINITION_CHECK: SchemaCheck = {
  schema: DEFINITION_SCHEMA,
  options: {
    allErrors: true,
    verbose: true,
    discriminator: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
  },
};

/** Compiled once for all questionnaires of a load. */
export const createDefinitionChecker = (): ValidateFunction => compileCheck(DEFINITION_CHECK);
