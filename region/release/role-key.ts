import { createHash, type KeyObject } from "node:crypto";
import { Key } from "@tufjs/models";

/** Type and scheme of a key in TUF metadata (specification 4.2). */
const SCHEMES: Readonly<Record<string, { readonly keyType: string; readonly scheme: string }>> = {
  ed25519: { keyType: "ed25519", scheme: "ed25519" },
  ec: { keyType: "ecdsa", scheme: "ecdsa-sha2-nistp256" },
  rsa: { keyType: "rsa", scheme: "rsassa-pss-sha256" },
};

/** A public key as it stands in root.json. Throws where no role may use it. */
export const keyOf = (publicKey: KeyObject): Key => {
  const type = publicKey.asymmetricKeyType ?? "none";
  const found = SCHEMES[type];
  const curve = publicKey.asymmetricKeyDetails?.namedCurve;
  if (found === undefined || (type === "ec" && curve !== "prime256v1")) {
    throw new Error(`release sign: a ${curve ?? type} key; use Ed25519, ECDSA P-256 or RSA`);
  }
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  return new Key({ keyID: createHash("sha256").update(pem).digest("hex"), ...found, keyVal: { public: pem } });
};

const NAME_FIELD = "x-hemhub-name";

/** The same key under a name for people, which root.json lists beside it. What it is known by stays its id. */
export const namedKey = (key: Key, name: string): Key => {
  const { keyID, keyType, scheme, keyVal, unrecognizedFields } = key;
  return new Key({ keyID, keyType, scheme, keyVal, unrecognizedFields: { ...unrecognizedFields, [NAME_FIELD]: name } });
};

/** The name that it was listed under, else the beginning of its id. */
export const nameOf = (key: Key): string => {
  const name = key.unrecognizedFields?.[NAME_FIELD];
  return typeof name === "string" ? name : `key ${key.keyID.slice(0, 8)}`;
};
