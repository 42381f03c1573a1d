import { Ajv, type Options, type ValidateFunction } from "ajv";

/** A JSON Schema and how it is to be read. */
export interface SchemaCheck {
  readonly schema: object;
  readonly options: Options;
}

/** `expected` in a schema is the word of a message for what it demands; it checks nothing. */
export const ajvOf = ({ options }: SchemaCheck): Ajv =>
  new Ajv(options).addKeyword({ keyword: "expected", schemaType: "string" });

/**
 * Compile a schema. Each compilation takes some 60 ms of a small board, as much as all that it checks in a day; so files
 * named `*-schema-check.ts` export one check and one function that compiles it, and a release has its result in their
 * place (scripts/compiled-checks.mjs).
 */
export const compileCheck = <T = unknown>(check: SchemaCheck): ValidateFunction<T> =>
  ajvOf(check).compile<T>(check.schema);
