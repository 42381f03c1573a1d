import { HubError } from "./errors.ts";

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

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
