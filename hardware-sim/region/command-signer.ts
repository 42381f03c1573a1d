import { createPublicKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { type CompactJWSHeaderParameters, CompactSign } from "jose";
import { type Command, commandType } from "../../protocol/command.ts";
import type { HubId } from "../../protocol/ids.ts";

/** What a command says beyond its kind and body; each may be said wrongly on purpose. */
export interface CommandChanges extends Partial<Omit<Command, "command" | "body">> {
  /** Over the header that belongs to the command. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** The region's side of signed commands to one hub, with a key of its own. */
export interface CommandSigner {
  /** For `region.commandKeys`. */
  readonly publicKeyPem: string;
  readonly publicKeyJwk: string;
  /** The text of a command with the next counter, unless `changes` names one. */
  sign(command: string, body: unknown, changes?: CommandChanges): Promise<string>;
}

export const createCommandSigner = (hub: HubId, algorithm: "EdDSA" | "ES256" = "EdDSA"): CommandSigner => {
  const { privateKey } =
    algorithm === "EdDSA" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicKey = createPublicKey(privateKey);
  let counter = 0;
  return {
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    publicKeyJwk: JSON.stringify(publicKey.export({ format: "jwk" })),
    sign: async (command, body, { header = {}, ...changes } = {}) => {
      counter = changes.counter ?? counter + 1;
      const signed: Command = { schema: "command/1", id: randomUUID(), hub, counter, ...changes, command, body };
      const protectedHeader = { alg: algorithm, typ: commandType(command), ...header } as CompactJWSHeaderParameters;
      return await new CompactSign(new TextEncoder().encode(JSON.stringify(signed)))
        .setProtectedHeader(protectedHeader)
        .sign(privateKey);
    },
  };
};
