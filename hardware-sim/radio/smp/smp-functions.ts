import { octets } from "../little-endian.ts";
import { aesBlock, aesCmac, xor } from "./aes-cmac.ts";

/*
 * The security functions of Core Vol 3 Part H 2.2. All values are most significant octet first, as the specification
 * writes them; on the air and in HCI they travel the other way round.
 */

/** Random address hash, 24 bits (2.2.2). */
export const ah = (irk: Uint8Array, prand: Uint8Array): Uint8Array =>
  aesBlock(irk, octets(new Uint8Array(13), prand)).subarray(13);

export interface LegacyContext {
  /** Pairing Request and Response, seven octets each. */
  readonly preq: Uint8Array;
  readonly pres: Uint8Array;
  /** Type octet and six octets of address. */
  readonly initiator: Uint8Array;
  readonly responder: Uint8Array;
}

/** Confirm value of legacy pairing (2.2.3). */
export const c1 = (k: Uint8Array, r: Uint8Array, context: LegacyContext): Uint8Array => {
  const { preq, pres, initiator, responder } = context;
  const p1 = octets(pres, preq, responder.subarray(0, 1), initiator.subarray(0, 1));
  const p2 = octets(0, 0, 0, 0, initiator.subarray(1), responder.subarray(1));
  return aesBlock(k, xor(aesBlock(k, xor(r, p1)), p2));
};

/** Short-term key of legacy pairing, from the responder's and the initiator's random value (2.2.4). */
export const s1 = (k: Uint8Array, r1: Uint8Array, r2: Uint8Array): Uint8Array =>
  aesBlock(k, octets(r1.subarray(8), r2.subarray(8)));

/** Confirm value of Secure Connections (2.2.6). */
export const f4 = (u: Uint8Array, v: Uint8Array, x: Uint8Array, z: number): Uint8Array => aesCmac(x, octets(u, v, z));

const F5_SALT = Uint8Array.from(Buffer.from("6c888391aaf5a53860370bdb5a6083be", "hex"));
const F5_KEY_ID = new TextEncoder().encode("btle");
const F5_LENGTH = octets(1, 0);

/** MacKey and long-term key of Secure Connections (2.2.7). */
export const f5 = (
  w: Uint8Array,
  n1: Uint8Array,
  n2: Uint8Array,
  a1: Uint8Array,
  a2: Uint8Array,
): { readonly macKey: Uint8Array; readonly ltk: Uint8Array } => {
  const t = aesCmac(F5_SALT, w);
  const part = (counter: number): Uint8Array => aesCmac(t, octets(counter, F5_KEY_ID, n1, n2, a1, a2, F5_LENGTH));
  return { macKey: part(0), ltk: part(1) };
};

/** DHKey check value (2.2.8). */
export const f6 = (
  w: Uint8Array,
  n1: Uint8Array,
  n2: Uint8Array,
  r: Uint8Array,
  ioCap: Uint8Array,
  a1: Uint8Array,
  a2: Uint8Array,
): Uint8Array => aesCmac(w, octets(n1, n2, r, ioCap, a1, a2));

/** The number that both sides show, 32 bits of which six digits are shown (2.2.9). */
export const g2 = (u: Uint8Array, v: Uint8Array, x: Uint8Array, y: Uint8Array): number =>
  Buffer.from(aesCmac(x, octets(u, v, y))).readUInt32BE(12);
