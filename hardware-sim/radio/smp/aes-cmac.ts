import { createCipheriv } from "node:crypto";

const BLOCK = 16;
/** x^128 + x^7 + x^2 + x + 1 (RFC 4493 section 2.3). */
const RB = 0x87;

/** One AES-128 block; most significant octet first, as the Core specification writes its function `e`. */
export const aesBlock = (key: Uint8Array, block: Uint8Array): Uint8Array =>
  Uint8Array.from(createCipheriv("aes-128-ecb", key, null).setAutoPadding(false).update(block));

export const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((octet, index) => octet ^ (b[index] ?? 0));

/** Multiplication by x in GF(2^128). */
const doubled = (block: Uint8Array): Uint8Array => {
  const carry = ((block[0] ?? 0) & 0x80) !== 0;
  return block.map((octet, index) => {
    const next = block[index + 1];
    const low = next === undefined ? (carry ? RB : 0) : next >> 7;
    return next === undefined ? (octet << 1) ^ low : (octet << 1) | low;
  });
};

/** AES-CMAC (RFC 4493). Most significant octet first. */
export const aesCmac = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const k1 = doubled(aesBlock(key, new Uint8Array(BLOCK)));
  const k2 = doubled(k1);
  const lastAt = Math.max(0, Math.ceil(message.length / BLOCK) - 1) * BLOCK;
  const tail = message.subarray(lastAt);
  const padded = new Uint8Array(BLOCK);
  padded.set(tail);
  if (tail.length < BLOCK) padded[tail.length] = 0x80;
  let state: Uint8Array = new Uint8Array(BLOCK);
  for (let at = 0; at < lastAt; at += BLOCK) state = aesBlock(key, xor(state, message.subarray(at, at + BLOCK)));
  return aesBlock(key, xor(state, xor(padded, tail.length === BLOCK ? k1 : k2)));
};
