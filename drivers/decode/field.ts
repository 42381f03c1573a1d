import { type Decoded, malformed } from "../driver.ts";

/*
 * Little-endian fields of a GATT value. The decoders compute the length that the flags demand and refuse a shorter
 * value before they read a field, so these never run past the end of a value that was checked.
 */

export const u8 = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;
export const u16 = (bytes: Uint8Array, at: number): number => u8(bytes, at) | (u8(bytes, at + 1) << 8);
export const u24 = (bytes: Uint8Array, at: number): number => u16(bytes, at) | (u8(bytes, at + 2) << 16);
export const u32 = (bytes: Uint8Array, at: number): number => (u24(bytes, at) | (u8(bytes, at + 3) << 24)) >>> 0;
export const i8 = (bytes: Uint8Array, at: number): number => (u8(bytes, at) << 24) >> 24;
export const i16 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) << 16) >> 16;

/** The answer to a value that is shorter than its flags or its layout demand. */
export const tooShort = (what: string, needed: number, found: number): Decoded<never> =>
  malformed("truncated", `${what}: ${needed} bytes needed, ${found} found`);

/** The answer to a value that is longer than a layout of fixed length. */
export const tooLong = (what: string, length: number, found: number): Decoded<never> =>
  malformed("format", `${what}: ${length} bytes long by its layout, ${found} found`);
