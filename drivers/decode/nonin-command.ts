import { type Decoded, decoded, malformed } from "../driver.ts";
import { type DateTime, dateTimeFault } from "./date-time.ts";
import { tooLong, tooShort, u8 } from "./field.ts";

/*
 * Commands to the Nonin 9560 and its answers: STX, operation, size, data, ETX; or the single octets ACK and NAK, which
 * it sends only in the first five seconds of a connection. Nonin 6470-000-01, pages 4 and 5.
 */

export const NONIN_STX = 0x02;
export const NONIN_ETX = 0x03;
export const NONIN_ACK = 0x06;
export const NONIN_NAK = 0x15;

export const NONIN_SET_FORMAT = 0x70;
/** Sets the clock with six octets of data, asks for it with none. */
export const NONIN_CLOCK = 0x72;
export const NONIN_CLOCK_ANSWER = 0xf2;

/** The longest data of a documented command is the clock's six; 16 leaves room for answers of later models. */
export const NONIN_LONGEST_COMMAND_DATA = 16;

export type NoninMessage =
  | { readonly tag: "ack" }
  | { readonly tag: "nak" }
  | { readonly tag: "clock"; readonly opcode: number; readonly size: number; readonly time: DateTime }
  | { readonly tag: "clock-request"; readonly opcode: number; readonly size: 0 }
  | {
      readonly tag: "set-format";
      readonly opcode: number;
      readonly size: number;
      readonly dataType: number;
      /** 2, 7, 8 or 13. */
      readonly dataFormat: number;
    }
  | { readonly tag: "other"; readonly opcode: number; readonly size: number; readonly data: Uint8Array };

const WHAT = "Nonin 9560 message";

const clockOf = (bytes: Uint8Array, opcode: number): Decoded<NoninMessage> => {
  // The year is two digits after 2000; unlike the records of format 13, these octets are binary, not BCD.
  const time: DateTime = {
    year: 2000 + u8(bytes, 3),
    month: u8(bytes, 4),
    day: u8(bytes, 5),
    hour: u8(bytes, 6),
    minute: u8(bytes, 7),
    second: u8(bytes, 8),
  };
  const fault = u8(bytes, 3) > 99 ? "year" : dateTimeFault(time);
  return fault === null
    ? decoded({ tag: "clock", opcode, size: 6, time })
    : malformed("range", `${WHAT}: ${fault} out of range`);
};

export const decodeNoninMessage = (bytes: Uint8Array): Decoded<NoninMessage> => {
  const first = u8(bytes, 0);
  if (bytes.length === 0) return tooShort(WHAT, 1, 0);
  if (bytes.length === 1 && first === NONIN_ACK) return decoded({ tag: "ack" });
  if (bytes.length === 1 && first === NONIN_NAK) return decoded({ tag: "nak" });
  if (first !== NONIN_STX) return malformed("sync", `${WHAT}: starts with neither 02, 06 nor 15`);
  if (bytes.length < 4) return tooShort(WHAT, 4, bytes.length);
  const opcode = u8(bytes, 1);
  const size = u8(bytes, 2);
  const length = size + 4;
  if (bytes.length < length) return tooShort(WHAT, length, bytes.length);
  if (bytes.length > length) return tooLong(WHAT, length, bytes.length);
  if (u8(bytes, length - 1) !== NONIN_ETX) return malformed("format", `${WHAT}: does not end with 03`);
  const clock = opcode === NONIN_CLOCK || opcode === NONIN_CLOCK_ANSWER;
  if (clock && size === 6) return clockOf(bytes, opcode);
  if (opcode === NONIN_CLOCK && size === 0) return decoded({ tag: "clock-request", opcode, size });
  if (opcode === NONIN_SET_FORMAT && size === 2) {
    return decoded({ tag: "set-format", opcode, size, dataType: u8(bytes, 3), dataFormat: u8(bytes, 4) });
  }
  return decoded({ tag: "other", opcode, size, data: bytes.slice(3, length - 1) });
};
