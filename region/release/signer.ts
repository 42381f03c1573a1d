import { constants, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Key, Signature } from "@tufjs/models";
import { keyOf, namedKey } from "./role-key.ts";
import { openToken } from "./token.ts";

/** A key that signs for a role, wherever it is kept. */
export interface Signer {
  readonly key: Key;
  sign(bytes: Buffer): Signature;
}

const signBytes = (key: KeyObject, bytes: Buffer): Buffer => {
  if (key.asymmetricKeyType === "ed25519") return sign(null, bytes, key);
  if (key.asymmetricKeyType === "ec") return sign("sha256", bytes, key);
  // The salt as long as the hash, as securesystemslib verifies.
  return sign("sha256", bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
};

const inHex = (key: Key, signature: Buffer): Signature =>
  new Signature({ keyID: key.keyID, sig: signature.toString("hex") });

const fileSigner = (file: string): Signer => {
  const privateKey = createPrivateKey(readFileSync(file));
  const key = keyOf(createPublicKey(privateKey));
  return { key, sign: (bytes) => inHex(key, signBytes(privateKey, bytes)) };
};

const tokenSigner = (uri: string): Signer => {
  const { key, signature } = openToken(uri);
  return { key, sign: (bytes) => inHex(key, signature(bytes)) };
};

const isOnToken = (where: string): boolean => where.startsWith("pkcs11:");

/** A private key in a PEM file, or on a token by its PKCS #11 URI. */
export const openSigner = (where: string): Signer => (isOnToken(where) ? tokenSigner(where) : fileSigner(where));

/** A public key in a PEM file, under the file's name without its endings, or that of a key on a token, under the token's. */
export const readPublicKey = (where: string): Key => {
  if (!isOnToken(where))
    return namedKey(keyOf(createPublicKey(readFileSync(where))), path.basename(where).replace(/(\.pem|\.pub)+$/, ""));
  const { key, token } = openToken(where);
  return namedKey(key, token);
};
