import { u8 } from "./field.ts";

/*
 * Two 16-bit CRCs of the same polynomial, x^16 + x^12 + x^5 + 1, start 0xFFFF, no final inversion. Bluetooth services
 * send it reflected ("MCRF4XX"), LifeScan meters plain ("CCITT-FALSE").
 */

const tableOf = (step: (crc: number) => number, first: (index: number) => number): Uint16Array =>
  Uint16Array.from({ length: 256 }, (_, index) => {
    let crc = first(index);
    for (let bit = 0; bit < 8; bit++) crc = step(crc);
    return crc & 0xffff;
  });

const reflected = tableOf(
  (crc) => (crc & 1 ? (crc >> 1) ^ 0x8408 : crc >> 1),
  (index) => index,
);
const plain = tableOf(
  (crc) => (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1),
  (index) => index << 8,
);

/** E2E-CRC of CGMS 1.0.1 section 3.11, over bytes `from` up to and not including `to`. */
export const crcMcrf4xx = (bytes: Uint8Array, from = 0, to = bytes.length): number => {
  let crc = 0xffff;
  for (let at = from; at < to; at++) crc = (crc >> 8) ^ (reflected[(crc ^ u8(bytes, at)) & 0xff] ?? 0);
  return crc;
};

/** CRC of LifeScan's binary protocol, over bytes `from` up to and not including `to`. */
export const crcCcittFalse = (bytes: Uint8Array, from = 0, to = bytes.length): number => {
  let crc = 0xffff;
  for (let at = from; at < to; at++) {
    crc = ((crc << 8) & 0xffff) ^ (plain[((crc >> 8) ^ u8(bytes, at)) & 0xff] ?? 0);
  }
  return crc;
};
