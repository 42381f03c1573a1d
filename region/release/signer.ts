import { execFileSync } from "node:child_process";
import { constants, createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Key, Signature } from "@tufjs/models";

/** A key that signs for a role, wherever it is kept. */
export interface Signer {
  readonly key: Key;
  sign(bytes: Buffer): Signature;
}

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

export const readPublicKey = (file: string): Key => keyOf(createPublicKey(readFileSync(file)));

const signBytes = (key: KeyObject, bytes: Buffer): Buffer => {
  if (key.asymmetricKeyType === "ed25519") return sign(null, bytes, key);
  if (key.asymmetricKeyType === "ec") return sign("sha256", bytes, key);
  // The salt as long as the hash, as securesystemslib verifies.
  return sign("sha256", bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
};

const fileSigner = (file: string): Signer => {
  const privateKey = createPrivateKey(readFileSync(file));
  const key = keyOf(createPublicKey(privateKey));
  return {
    key,
    sign: (bytes) => new Signature({ keyID: key.keyID, sig: signBytes(privateKey, bytes).toString("hex") }),
  };
};

/** The parts of a PKCS #11 URI (RFC 7512) that name a key and the module that reaches it. */
export interface TokenKey {
  readonly module: string;
  readonly token: string;
  /** In hexadecimal, as pkcs11-tool takes it. */
  readonly id: string;
}

export const parseTokenUri = (uri: string): TokenKey => {
  const [location = "", query = ""] = uri.replace(/^pkcs11:/, "").split("?", 2);
  const parts = new Map(
    [...location.split(";"), ...query.split("&")].map((part) => {
      const [name = "", value = ""] = part.split("=", 2);
      return [name, value] as const;
    }),
  );
  const [module, token, id] = [parts.get("module-path"), parts.get("token"), parts.get("id")];
  if (module === undefined || token === undefined || id === undefined) {
    throw new Error(`release sign: ${uri}: use pkcs11:token=NAME;id=%01?module-path=FILE.so`);
  }
  const octets = decodeURIComponent(id.replace(/%(..)/g, (_, hex: string) => `%${hex.padStart(2, "0")}`));
  const hex = Buffer.from(octets, "latin1").toString("hex");
  return { module: decodeURIComponent(module), token: decodeURIComponent(token), id: hex };
};

/** ECDSA P-256 on a token, through pkcs11-tool (Debian package opensc); the PIN stands in HEMHUB_PKCS11_PIN. */
const tokenSigner = (uri: string): Signer => {
  const { module, token, id } = parseTokenUri(uri);
  const tool = (...args: readonly string[]): Buffer =>
    execFileSync("pkcs11-tool", ["--module", module, "--token-label", token, "--id", id, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  const der = tool("--read-object", "--type", "pubkey");
  const key = keyOf(createPublicKey({ key: der, format: "der", type: "spki" }));
  return {
    key,
    sign: (bytes) => {
      const place = mkdtempSync(path.join(tmpdir(), "hemhub-sign-"));
      try {
        const [input, output] = [path.join(place, "bytes"), path.join(place, "signature")];
        writeFileSync(input, bytes);
        const how = ["--mechanism", "ECDSA-SHA256", "--signature-format", "openssl"];
        tool("--login", "--pin", "env:HEMHUB_PKCS11_PIN", "--sign", ...how, "-i", input, "-o", output);
        return new Signature({ keyID: key.keyID, sig: readFileSync(output).toString("hex") });
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    },
  };
};

/** A private key in a PEM file, or on a token by its PKCS #11 URI. */
export const openSigner = (where: string): Signer =>
  where.startsWith("pkcs11:") ? tokenSigner(where) : fileSigner(where);
