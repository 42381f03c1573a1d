import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import { fileTrouble } from "../config/file-trouble.ts";

/** The algorithms of RFC 8037 and RFC 7518 that a hub accepts: each key is good for its own and no other. */
export type CommandAlgorithm = "EdDSA" | "ES256";

export interface CommandKey {
  readonly key: KeyObject;
  readonly algorithm: CommandAlgorithm;
}

/** Keys of which any one signs for the region, and what is wrong with the files that gave none. */
export interface CommandKeys {
  readonly keys: readonly CommandKey[];
  readonly troubles: readonly string[];
}

const P256 = "prime256v1";

const algorithmOf = (key: KeyObject): CommandAlgorithm | null => {
  if (key.asymmetricKeyType === "ed25519") return "EdDSA";
  if (key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === P256) return "ES256";
  return null;
};

/** Throws an Error that says what was found. A private key has no business on a hub, though a public one is in it. */
const parse = (content: string): CommandKey => {
  const isJwk = content.trimStart().startsWith("{");
  const jwk = isJwk ? (JSON.parse(content) as Record<string, string>) : null;
  if (jwk?.d !== undefined || content.includes("PRIVATE KEY")) {
    throw new Error("a private key; give the public one, and keep the private one off the hub");
  }
  const key = jwk === null ? createPublicKey(content) : createPublicKey({ key: jwk, format: "jwk" });
  const algorithm = algorithmOf(key);
  if (algorithm === null) throw new Error("neither an Ed25519 nor a P-256 key");
  return { key, algorithm };
};

/** Read the region's public keys, PEM or JWK. Never rejects: a file that gives no key is a sentence. */
export const readCommandKeys = async (files: readonly string[]): Promise<CommandKeys> => {
  const keys: CommandKey[] = [];
  const troubles: string[] = [];
  for (const file of files) {
    let content: string;
    try {
      content = await readFile(file, "utf8");
    } catch (thrown) {
      troubles.push(`command key ${file}: ${fileTrouble(thrown)}; commands signed with it are refused`);
      continue;
    }
    try {
      keys.push(parse(content));
    } catch (thrown) {
      troubles.push(`command key ${file}: ${messageOf(thrown)}; commands signed with it are refused`);
    }
  }
  return { keys, troubles };
};
