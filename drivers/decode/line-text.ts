import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooShort, u8 } from "./field.ts";

/**
 * The text of an ASCII line without its terminator. Anything but printable ASCII and tab is malformed: a line with
 * noise in it is not a line with a number in it.
 */
export const lineText = (what: string, bytes: Uint8Array): Decoded<string> => {
  let end = bytes.length;
  while (end > 0 && (u8(bytes, end - 1) === 0x0d || u8(bytes, end - 1) === 0x0a)) end--;
  if (end === 0) return tooShort(what, 1, 0);
  for (let at = 0; at < end; at++) {
    const octet = u8(bytes, at);
    if ((octet < 0x20 && octet !== 0x09) || octet > 0x7e) {
      return malformed("format", `${what}: octet ${octet} at ${at + 1} is not printable ASCII`);
    }
  }
  return decoded(Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("latin1"));
};
