import { createCipheriv } from "node:crypto";

/*
 * Security Manager functions of the Bluetooth Core specification, Vol 3 Part H, 2.2. All values here are most significant
 * octet first, as in the specification's formulas and sample data; PDUs on the air are least significant first.
 */

const BLOCK = 16;

/** e (2.2.1): AES-128 of one 16-octet block. */
export const aes128 = (key: Uint8Array, block: Uint8Array): Uint8Array => {
  const cipher = createCipheriv("aes-128-ecb", key, null);
  cipher.setAutoPadding(false);
  return Uint8Array.from(cipher.update(block));
};

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((octet, i) => octet ^ (b[i] ?? 0));

const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** Multiply by x in GF(2^128), RFC 4493 section 2.3. */
const double = (block: Uint8Array): Uint8Array => {
  const out = block.map((octet, i) => ((octet << 1) | ((block[i + 1] ?? 0) >> 7)) & 0xff);
  if (((block[0] ?? 0) & 0x80) !== 0) out[BLOCK - 1] = (out[BLOCK - 1] ?? 0) ^ 0x87;
  return out;
};

/** AES-CMAC (2.2.5, RFC 4493): 16 octets over a message of any length. */
export const aesCmac = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const k1 = double(aes128(key, new Uint8Array(BLOCK)));
  const blocks = Math.max(1, Math.ceil(message.length / BLOCK));
  const tail = message.subarray((blocks - 1) * BLOCK);
  let last: Uint8Array;
  if (tail.length === BLOCK) {
    last = xor(tail, k1);
  } else {
    const padded = new Uint8Array(BLOCK);
    padded.set(tail);
    padded[tail.length] = 0x80;
    last = xor(padded, double(k1));
  }
  let mac: Uint8Array = new Uint8Array(BLOCK);
  for (let i = 0; i < blocks - 1; i++) mac = aes128(key, xor(mac, message.subarray(i * BLOCK, (i + 1) * BLOCK)));
  return aes128(key, xor(mac, last));
};

/** A device address with its type, as pairing sees it: type octet (0 public, 1 random), then 6 octets. */
export interface PairingAddress {
  readonly type: 0 | 1;
  readonly octets: Uint8Array;
}

const addressOctets = ({ type, octets }: PairingAddress): Uint8Array => concat(Uint8Array.of(type), octets);

export interface ConfirmInput {
  readonly tk: Uint8Array;
  readonly random: Uint8Array;
  /** Pairing Request and Response PDUs, 7 octets each, most significant octet first. */
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  readonly initiator: PairingAddress;
  readonly responder: PairingAddress;
}

/** c1 (2.2.3): confirm value of LE legacy pairing. */
export const c1 = ({ tk, random, request, response, initiator, responder }: ConfirmInput): Uint8Array => {
  const p1 = concat(response, request, Uint8Array.of(responder.type, initiator.type));
  const p2 = concat(new Uint8Array(4), initiator.octets, responder.octets);
  return aes128(tk, xor(aes128(tk, xor(random, p1)), p2));
};

/** s1 (2.2.4): short term key of LE legacy pairing from the responder's (r1) and the initiator's (r2) random number. */
export const s1 = (tk: Uint8Array, r1: Uint8Array, r2: Uint8Array): Uint8Array =>
  aes128(tk, concat(r1.subarray(8), r2.subarray(8)));

/** f4 (2.2.6): confirm value of LE Secure Connections; u, v are X coordinates of public keys. */
export const f4 = (u: Uint8Array, v: Uint8Array, x: Uint8Array, z: number): Uint8Array =>
  aesCmac(x, concat(u, v, Uint8Array.of(z)));

/** "btle", the key ID of f5. */
const F5_KEY_ID = Uint8Array.of(0x62, 0x74, 0x6c, 0x65);
const F5_SALT = Uint8Array.from(Buffer.from("6c888391aaf5a53860370bdb5a6083be", "hex"));
/** 256, the length in bits of what f5 derives. */
const F5_LENGTH = Uint8Array.of(0x01, 0x00);

/** f5 (2.2.7): MacKey and LTK of LE Secure Connections from the Diffie-Hellman secret and both nonces and addresses. */
export const f5 = (
  secret: Uint8Array,
  n1: Uint8Array,
  n2: Uint8Array,
  a1: PairingAddress,
  a2: PairingAddress,
): { readonly macKey: Uint8Array; readonly ltk: Uint8Array } => {
  const t = aesCmac(F5_SALT, secret);
  const derive = (counter: number): Uint8Array =>
    aesCmac(t, concat(Uint8Array.of(counter), F5_KEY_ID, n1, n2, addressOctets(a1), addressOctets(a2), F5_LENGTH));
  return { macKey: derive(0), ltk: derive(1) };
};

/** f6 (2.2.8): DHKey check value. `ioCap` is AuthReq, OOB flag, IO capability. */
export const f6 = (
  macKey: Uint8Array,
  n1: Uint8Array,
  n2: Uint8Array,
  r: Uint8Array,
  ioCap: Uint8Array,
  a1: PairingAddress,
  a2: PairingAddress,
): Uint8Array => aesCmac(macKey, concat(n1, n2, r, ioCap, addressOctets(a1), addressOctets(a2)));

/** g2 (2.2.9): the 32-bit value whose last six decimal digits both sides show in numeric comparison. */
export const g2 = (u: Uint8Array, v: Uint8Array, x: Uint8Array, y: Uint8Array): number =>
  Buffer.from(aesCmac(x, concat(u, v, y))).readUInt32BE(12);

/** ah (2.2.2): the 3-octet hash part of a resolvable private address. */
export const ah = (irk: Uint8Array, prand: Uint8Array): Uint8Array =>
  aes128(irk, concat(new Uint8Array(13), prand)).subarray(13);
