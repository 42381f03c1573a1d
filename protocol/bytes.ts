import { HubError } from "./errors.ts";

/** Every octet as two digits: for the few octets of a value, a table is faster than a Buffer. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));
/** From this length on a Buffer is. */
const MANY = 64;

/** Lower-case hex, two digits an octet. */
export const toHex = (bytes: Uint8Array): string => {
  if (bytes.length >= MANY) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  let text = "";
  for (const octet of bytes) text += HEX[octet];
  return text;
};

/**
 * Bytes of a hex text; white space, `:` and `-` between digits are allowed. Throws HubError `invalid-argument` naming
 * the first character that is not a hex digit, or an odd count.
 */
export const fromHex = (text: string): Uint8Array => {
  const digits = text.replaceAll(/[\s:-]/g, "");
  const wrong = /[^0-9a-fA-F]/.exec(digits);
  if (wrong !== null) {
    throw new HubError(
      "invalid-argument",
      `hex ${JSON.stringify(wrong[0])} at digit ${wrong.index + 1}: use 0-9 and a-f`,
    );
  }
  if (digits.length % 2 !== 0) {
    throw new HubError(
      "invalid-argument",
      `hex: ${digits.length} digits is not a whole number of bytes; give two per byte`,
    );
  }
  return Uint8Array.from(Buffer.from(digits, "hex"));
};
