import { le16 } from "../radio/little-endian.ts";

/**
 * E2E-CRC of the CGM Service (CGMS 1.0.2): CRC-CCITT with generator x^16 + x^12 + x^5 + 1 and seed 0xFFFF, least
 * significant bit first; the CRC catalogue has it as CRC-16/MCRF4XX. 0x8408 is the generator with its bits reversed.
 */
const REVERSED_GENERATOR = 0x8408;
const SEED = 0xffff;

export const e2eCrc = (bytes: Iterable<number>): number => {
  let crc = SEED;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ REVERSED_GENERATOR;
  }
  return crc;
};

/** The octets followed by their CRC. */
export const withCrc = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, ...le16(e2eCrc(bytes))]);

/** Whether octets end with the CRC of those before. */
export const hasGoodCrc = (bytes: Uint8Array): boolean => {
  const [low, high] = le16(e2eCrc(bytes.subarray(0, -2)));
  return bytes.length > 2 && bytes.at(-2) === low && bytes.at(-1) === high;
};
