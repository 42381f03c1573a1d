import { hash } from "node:crypto";
import { compactVerify, decodeProtectedHeader, type ProtectedHeaderParameters } from "jose";
import { type Command, commandType } from "../../protocol/command.ts";
import { type CommandChecks, createCommandChecks, parseCommand } from "../../protocol/command-checks.ts";
import type { CommandRefusal } from "../../protocol/desired.ts";
import { isHubError } from "../../protocol/errors.ts";
import type { HubId } from "../../protocol/ids.ts";
import type { CommandKey } from "./command-keys.ts";

/** `ref` names the text that was given: nothing in it need be true before its signature is. */
export type Verified =
  | { readonly tag: "authentic"; readonly ref: string; readonly command: Command }
  | { readonly tag: "refused"; readonly ref: string; readonly code: CommandRefusal; readonly reason: string };

const REF_DIGITS = 16;

export const refOf = (jws: string): string => hash("sha256", jws, "hex").slice(0, REF_DIGITS);

/** What a header may say: no `crit`, no `b64`, no key or certificate of its own to be trusted for (RFC 8725 3.10). */
const HEADER: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);

const headerOf = (jws: string): ProtectedHeaderParameters | null => {
  try {
    return decodeProtectedHeader(jws);
  } catch {
    return null;
  }
};

const payloadOf = async (jws: string, keys: readonly CommandKey[]): Promise<Uint8Array | null> => {
  for (const { key, algorithm } of keys) {
    try {
      return (await compactVerify(jws, key, { algorithms: [algorithm] })).payload;
    } catch {
      // Not with this key; whatever jose found, it is not a signature that counts.
    }
  }
  return null;
};

/**
 * Whether the region signed this text as a command to this hub, for the purpose that it is used for. What the broker
 * lets through says nothing about that. Counter and times are the caller's.
 */
const verifyCommand = async (
  jws: string,
  { keys, hub, checks }: { readonly keys: readonly CommandKey[]; readonly hub: HubId; readonly checks: CommandChecks },
): Promise<Verified> => {
  const ref = refOf(jws);
  const refused = (code: CommandRefusal, reason: string): Verified => ({ tag: "refused", ref, code, reason });
  const header = headerOf(jws);
  if (header === null) return refused("malformed", "not a JWS in compact form");
  if (header.alg !== "EdDSA" && header.alg !== "ES256") {
    return refused("algorithm", "signed with none or another algorithm than EdDSA and ES256");
  }
  if (Object.keys(header).some((name) => !HEADER.has(name))) {
    return refused("malformed", "its header says more than alg, typ and kid");
  }
  if (keys.length === 0) return refused("no-keys", "this hub has no key of the region (region.commandKeys)");
  const payload = await payloadOf(
    jws,
    keys.filter(({ algorithm }) => algorithm === header.alg),
  );
  if (payload === null) return refused("signature", "no key of the region made this signature");
  let command: Command;
  try {
    command = parseCommand(payload, checks);
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    return refused("malformed", thrown.message);
  }
  if (header.typ !== commandType(command.command)) {
    return refused("wrong-type", `its header has not the type ${commandType(command.command)}`);
  }
  if (command.hub !== hub) return refused("other-hub", "it is for another hub");
  return { tag: "authentic", ref, command };
};

/** Checks signatures and content of commands to one hub; the schema is compiled once. */
export interface CommandJudge {
  readonly bodies: CommandChecks["bodies"];
  verify(jws: string, keys: readonly CommandKey[]): Promise<Verified>;
}

export const createCommandJudge = (hub: HubId): CommandJudge => {
  const checks = createCommandChecks();
  return { bodies: checks.bodies, verify: (jws, keys) => verifyCommand(jws, { keys, hub, checks }) };
};
