import { execFileSync } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Key } from "@tufjs/models";
import { keyOf } from "./role-key.ts";
import { parseTokenUri, type TokenKey } from "./token-uri.ts";

const PIN = "HEMHUB_PKCS11_PIN";

/** What pkcs11-tool (OpenSC) and the modules say, and what it means to who signs. */
const FOUND: readonly (readonly [RegExp, (key: TokenKey) => string])[] = [
  [/ENOENT/, () => "the program pkcs11-tool is missing; install the Debian package opensc"],
  [
    /Failed to load pkcs11 module/,
    ({ module }) => `the module ${module} cannot be loaded; install the token's driver, or correct module-path`,
  ],
  [/No slot with token/, ({ token }) => `there is no token ${token}; plug it in, or correct token`],
  [/object not found/, ({ token, id }) => `token ${token} has no key with id ${id}; correct id`],
  [/CKR_PIN_LOCKED/, ({ token }) => `token ${token} is locked after too many wrong PINs; unlock it by its own program`],
  [/CKR_PIN/, ({ token }) => `token ${token} refuses the PIN in ${PIN}; correct it before it locks itself`],
];

const explained = (thrown: unknown, key: TokenKey): Error => {
  const { message = "", stderr = "" } = thrown as { readonly message?: string; readonly stderr?: unknown };
  const said = `${message}\n${String(stderr)}`;
  const found = FOUND.find(([pattern]) => pattern.test(said))?.[1](key);
  const sentence = found ?? `token ${key.token} does not sign: ${String(stderr).trim() || message}`;
  return new Error(`release sign: ${sentence}`, { cause: thrown });
};

/** A key pair on a token: the private key never leaves it. */
export interface TokenSigner {
  readonly token: string;
  readonly key: Key;
  signature(bytes: Buffer): Buffer;
}

/**
 * ECDSA P-256 on a token, through pkcs11-tool (Debian package opensc); the PIN stands in HEMHUB_PKCS11_PIN. Throws an
 * Error that says what is missing: module, token, key or PIN.
 */
export const openToken = (uri: string): TokenSigner => {
  const named = parseTokenUri(uri);
  const { module, token, id } = named;
  const tool = (...args: readonly string[]): Buffer => {
    try {
      return execFileSync("pkcs11-tool", ["--module", module, "--token-label", token, "--id", id, ...args], {
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (thrown) {
      throw explained(thrown, named);
    }
  };
  const key = keyOf(createPublicKey({ key: tool("--read-object", "--type", "pubkey"), format: "der", type: "spki" }));
  if (key.keyType !== "ecdsa") {
    throw new Error(`release sign: token ${token}: its key ${id} is ${key.keyType}; make one of ECDSA P-256 there`);
  }
  return {
    token,
    key,
    signature: (bytes) => {
      if ((process.env[PIN] ?? "") === "") throw new Error(`release sign: token ${token} asks for a PIN; set ${PIN}`);
      const place = mkdtempSync(path.join(tmpdir(), "hemhub-sign-"));
      try {
        const [input, output] = [path.join(place, "digest"), path.join(place, "signature")];
        // The digest is made here: many tokens have ECDSA alone, without a hash before it.
        writeFileSync(input, createHash("sha256").update(bytes).digest());
        const how = ["--mechanism", "ECDSA", "--signature-format", "openssl"];
        tool("--login", "--pin", `env:${PIN}`, "--sign", ...how, "--input-file", input, "--output-file", output);
        return readFileSync(output);
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    },
  };
};
