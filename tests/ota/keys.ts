import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { Key, Signature } from "@tufjs/models";

export type KeyKind = "ed25519" | "ecdsa" | "rsa";

/** A key of a role: signs with `sign`, and stands in root as `key`. */
export interface RoleKey {
  readonly key: Key;
  sign(bytes: Buffer): Signature;
}

const SCHEMES: Readonly<Record<KeyKind, { readonly type: string; readonly scheme: string }>> = {
  ed25519: { type: "ed25519", scheme: "ed25519" },
  ecdsa: { type: "ecdsa", scheme: "ecdsa-sha2-nistp256" },
  rsa: { type: "rsa", scheme: "rsassa-pss-sha256" },
};

const pairOf = (kind: KeyKind): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } => {
  if (kind === "ed25519") return generateKeyPairSync("ed25519");
  if (kind === "ecdsa") return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
};

const signBytes = (kind: KeyKind, key: KeyObject, bytes: Buffer): Buffer => {
  if (kind === "ed25519") return sign(null, bytes, key);
  if (kind === "ecdsa") return sign("sha256", bytes, key);
  // RSASSA-PSS with the salt as long as the hash, as securesystemslib signs. 6 is RSA_PKCS1_PSS_PADDING.
  return sign("sha256", bytes, { key, padding: 6, saltLength: 32 });
};

export const createRoleKey = (kind: KeyKind = "ed25519"): RoleKey => {
  const { publicKey, privateKey } = pairOf(kind);
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const { type, scheme } = SCHEMES[kind];
  const keyID = createHash("sha256").update(pem).digest("hex");
  return {
    key: new Key({ keyID, keyType: type, scheme, keyVal: { public: pem } }),
    sign: (bytes) => new Signature({ keyID, sig: signBytes(kind, privateKey, bytes).toString("hex") }),
  };
};
