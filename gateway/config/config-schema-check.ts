import type { ValidateFunction } from "ajv";
import { compileCheck, type SchemaCheck } from "../../protocol/schema-check.ts";
import schema from "./config-1.schema.json" with { type: "json" };

export const CONFIG_CHECK: SchemaCheck = {
  schema,
  options: { allErrors: true, verbose: true, discriminator: true, strict: true, strictRequired: false },
};

export const createConfigChecker = (): ValidateFunction => compileCheck(CONFIG_CHECK);
