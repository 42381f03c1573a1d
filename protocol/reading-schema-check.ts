import type { ValidateFunction } from "ajv";
import type { Reading } from "./reading.ts";
import schema from "./schema/reading-1.schema.json" with { type: "json" };
import { compileCheck, type SchemaCheck } from "./schema-check.ts";

export const READING_CHECK: SchemaCheck = { schema, options: { allErrors: false, strict: false } };

export const createReadingCheck = (): ValidateFunction<Reading> => compileCheck(READING_CHECK);
