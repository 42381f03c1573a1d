import { createCipheriv, createDecipheriv, createSecretKey, hash, hkdfSync, randomFillSync } from "node:crypto";
import type { Idem } from "../../protocol/ids.ts";
import { DIGEST_BYTES } from "./digest-index.ts";

/** AES-256 (FIPS 197) in Galois/Counter Mode: 96-bit nonce, 128-bit tag (NIST SP 800-38D 5.2.1, 8.2.2). */
const CIPHER = "aes-256-gcm";
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds to a payload. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;

/** Random octets drawn at a time: a system call costs more than a nonce. */
const NONCES_PER_DRAW = 256;

/**
 * What an outbox does with its key. Nonces are random: with 2^32 rows under one key, 8 000 years at one a minute, the
 * chance of a repetition is 2^-33 (SP 800-38D 8.3).
 */
export interface Seal {
  /** Tells this key from another one; says nothing about it. Never 0. */
  readonly check: number;
  /** What is remembered of an idem: without the key nobody can try out which measurement it belongs to. */
  digestOf(idem: Idem): Uint8Array;
  /** Nonce, ciphertext, tag. `bound` is not in it, and has to be the same to open it again. */
  seal(plain: Uint8Array, bound: Uint8Array): Uint8Array;
  /** Null for anything that was not sealed with this key, exactly so, and for the same `bound`. */
  open(sealed: Uint8Array, bound: Uint8Array): Uint8Array | null;
}

/** One key for each use, so that none says anything about another (RFC 5869). */
const derive = (key: Uint8Array, use: string): Buffer =>
  Buffer.from(hkdfSync("sha256", key, "", `hemhub outbox ${use}`, KEY_BYTES));

export const createSeal = (key: Uint8Array): Seal => {
  const sealing = createSecretKey(derive(key, "payload"));
  const remembering = derive(key, "digest").toString("hex");
  const nonces = Buffer.alloc(NONCE_BYTES * NONCES_PER_DRAW);
  let nextNonce = nonces.length;

  const nonce = (): Buffer => {
    if (nextNonce >= nonces.length) {
      randomFillSync(nonces);
      nextNonce = 0;
    }
    const drawn = nonces.subarray(nextNonce, nextNonce + NONCE_BYTES);
    nextNonce += NONCE_BYTES;
    return drawn;
  };

  return {
    check: derive(key, "check").readUIntBE(0, 6) || 1,
    // A secret of fixed length before the text, and half of the result dropped: extending it is of no use.
    digestOf: (idem) => hash("sha256", `${remembering}${idem}`, "buffer").subarray(0, DIGEST_BYTES),
    seal: (plain, bound) => {
      const iv = nonce();
      const cipher = createCipheriv(CIPHER, sealing, iv, { authTagLength: TAG_BYTES }).setAAD(bound);
      const body = cipher.update(plain);
      cipher.final();
      return Buffer.concat([iv, body, cipher.getAuthTag()]);
    },
    open: (sealed, bound) => {
      if (sealed.length < SEAL_BYTES) return null;
      const iv = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, sealing, iv, { authTagLength: TAG_BYTES }).setAAD(bound);
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      try {
        decipher.final();
      } catch {
        // The tag does not fit: the only thing that final can find in this mode.
        return null;
      }
      return plain;
    },
  };
};
