import { Ajv } from "ajv";
import type { Command } from "./command.ts";
import { HubError, messageOf } from "./errors.ts";
import schema from "./schema/command-1.schema.json" with { type: "json" };

/** Returns why a candidate does not fit, null where it does. The reason names place and rule, never the value. */
export type CommandCheck = (candidate: unknown) => string | null;

/** Checks of the envelope and of each body that has a definition in the schema, compiled once. */
export interface CommandChecks {
  readonly envelope: CommandCheck;
  readonly bodies: ReadonlyMap<string, CommandCheck>;
}

export const createCommandChecks = (): CommandChecks => {
  const ajv = new Ajv({ allErrors: false, strict: false }).addSchema(schema, "command-1");
  const checkOf = (place: string, what: string): CommandCheck => {
    const check = ajv.compile({ $ref: `command-1#${place}` });
    return (candidate) => {
      if (check(candidate)) return null;
      const [error] = check.errors ?? [];
      const named =
        typeof error?.params.additionalProperty === "string"
          ? ` (${error.params.additionalProperty.slice(0, 40)})`
          : "";
      return `${what}${error?.instancePath ?? ""} ${error?.message ?? "does not fit"}${named}`;
    };
  };
  const bodies = Object.keys(schema.definitions.bodies).map(
    (name) => [name, checkOf(`/definitions/bodies/${name}`, "body")] as const,
  );
  return { envelope: checkOf("/definitions/envelope", "command"), bodies: new Map(bodies) };
};

/** The command of a payload whose signature was checked. Throws HubError `invalid-argument`. */
export const parseCommand = (payload: Uint8Array, { envelope }: CommandChecks): Command => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (thrown) {
    throw new HubError("invalid-argument", `command: not JSON (${messageOf(thrown)}); sign it anew`);
  }
  const wrong = envelope(parsed);
  if (wrong !== null) throw new HubError("invalid-argument", `${wrong}; sign it anew`);
  return parsed as Command;
};
