import { type Decoded, decoded, malformed } from "../driver.ts";
import { type DateTime, dateTimeFault } from "./date-time.ts";
import { tooLong, tooShort, u8, u16 } from "./field.ts";

/*
 * TaiDoc and FORA meters: 8-octet frames, 51, command, four octets of message, direction, sum of the seven octets
 * before it (as glucometerutils applies it). Command 0x52 erases the meter: the hub never sends it.
 */

export const TAIDOC_START = 0x51;
export const TAIDOC_FRAME_LENGTH = 8;
export const TAIDOC_TO_DEVICE = 0xa3;
export const TAIDOC_FROM_DEVICE = 0xa5;

/** Commands of reading a meter out, by what their answer carries. */
export const TAIDOC_COMMAND = {
  connect: 0x22,
  clock: 0x23,
  model: 0x24,
  readingTime: 0x25,
  readingValue: 0x26,
  readingCount: 0x2b,
  setClock: 0x33,
} as const;

export interface TaidocFrame {
  readonly command: number;
  readonly message: Uint8Array;
  readonly direction: "host-to-device" | "device-to-host";
}

/** Value of a stored glucose reading, command 0x26. */
export interface TaidocGlucose {
  readonly mgPerDl: number;
  readonly meal: "none" | "before" | "after";
}

export const taidocChecksum = (bytes: Uint8Array, at = 0): number => {
  let sum = 0;
  for (let step = 0; step < TAIDOC_FRAME_LENGTH - 1; step++) sum += u8(bytes, at + step);
  return sum & 0xff;
};

export const decodeTaidocFrame = (bytes: Uint8Array): Decoded<TaidocFrame> => {
  if (bytes.length < TAIDOC_FRAME_LENGTH) return tooShort("TaiDoc frame", TAIDOC_FRAME_LENGTH, bytes.length);
  if (bytes.length > TAIDOC_FRAME_LENGTH) return tooLong("TaiDoc frame", TAIDOC_FRAME_LENGTH, bytes.length);
  if (u8(bytes, 0) !== TAIDOC_START) return malformed("sync", "TaiDoc frame: does not start with 51");
  if (taidocChecksum(bytes) !== u8(bytes, 7)) {
    return malformed("checksum", "TaiDoc frame: octet 8 is not the sum of the others");
  }
  const direction = u8(bytes, 6);
  if (direction !== TAIDOC_TO_DEVICE && direction !== TAIDOC_FROM_DEVICE) {
    return malformed("format", "TaiDoc frame: direction is neither A3 nor A5");
  }
  return decoded({
    command: u8(bytes, 1),
    message: bytes.slice(2, 6),
    direction: direction === TAIDOC_TO_DEVICE ? "host-to-device" : "device-to-host",
  });
};

/** Message of 0x23, 0x25 and 0x33: day 5 bits, month 4, year 7 from 2000, least significant octet first; minute; hour. */
export const decodeTaidocDateTime = (message: Uint8Array): Decoded<DateTime> => {
  if (message.length < 4) return tooShort("TaiDoc date and time", 4, message.length);
  if (message.length > 4) return tooLong("TaiDoc date and time", 4, message.length);
  const date = u16(message, 0);
  const time: DateTime = {
    year: 2000 + (date >> 9),
    month: (date >> 5) & 0x0f,
    day: date & 0x1f,
    hour: u8(message, 3),
    minute: u8(message, 2),
    second: null,
  };
  const fault = dateTimeFault(time);
  return fault === null ? decoded(time) : malformed("range", `TaiDoc date and time: ${fault} out of range`);
};

const MEALS: Readonly<Record<number, TaidocGlucose["meal"]>> = { 0: "none", 64: "before", 128: "after" };

/** Message of 0x26 from a glucose meter: value least significant octet first, an unknown octet, meal. */
export const decodeTaidocGlucose = (message: Uint8Array): Decoded<TaidocGlucose> => {
  if (message.length < 4) return tooShort("TaiDoc glucose", 4, message.length);
  if (message.length > 4) return tooLong("TaiDoc glucose", 4, message.length);
  const meal = MEALS[u8(message, 3)];
  if (meal === undefined) return malformed("format", "TaiDoc glucose: octet 4 is no known meal mark");
  return decoded({ mgPerDl: u16(message, 0), meal });
};
