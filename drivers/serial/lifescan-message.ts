import { crcCcittFalse } from "../decode/crc.ts";
import type { DateTime } from "../decode/date-time.ts";
import { u32 } from "../decode/field.ts";
import { LIFESCAN_ETX, LIFESCAN_SHORTEST_FRAME, LIFESCAN_STX } from "../decode/lifescan-binary.ts";
import { civilMs, dateTimeOf } from "../normalise/civil-time.ts";

/** Octets of a frame before its message: STX, length, link control. */
const BEFORE = 3;
/** Octets after it: ETX and two of CRC. */
const AFTER = 3;

/** Frame of LifeScan's binary protocol around a message of 249 octets at most. */
export const lifescanFrame = (linkControl: number, message: readonly number[] = []): Uint8Array => {
  const frame = Uint8Array.from([
    LIFESCAN_STX,
    message.length + LIFESCAN_SHORTEST_FRAME,
    linkControl,
    ...message,
    LIFESCAN_ETX,
    0,
    0,
  ]);
  const crc = crcCcittFalse(frame, 0, frame.length - 2);
  frame[frame.length - 2] = crc & 0xff;
  frame[frame.length - 1] = crc >> 8;
  return frame;
};

/** The message in a whole frame: the same however often it is sent, which link control and CRC are not. */
export const lifescanMessageOf = (frame: Uint8Array): Uint8Array => frame.subarray(BEFORE, frame.length - AFTER);

export const octets16 = (value: number): readonly number[] => [value & 0xff, (value >> 8) & 0xff];

/** Seconds of the meter's local time since its epoch, as four octets. Null for an incomplete date. */
export const secondsOf = (local: DateTime, epochMs: number): readonly number[] | null => {
  const ms = civilMs(local);
  if (ms === null) return null;
  const since = Math.floor((ms - epochMs) / 1000);
  return [...octets16(since & 0xffff), ...octets16(Math.floor(since / 0x10000))];
};

/** Local date and time of four octets of seconds. */
export const timeAt = (message: Uint8Array, at: number, epochMs: number): DateTime =>
  dateTimeOf(epochMs + u32(message, at) * 1000);

/** Where the seconds of a record stand in the message of both families: after the prefix and 06. */
const SECONDS_AT = 2;

/**
 * Whether the first record of a memory is older than the last: then it is not in the order, newest first, that meters of
 * the maker are known for, or the meter's clock was lost in between.
 */
export const isFirstOlder = (first: Uint8Array, last: Uint8Array): boolean =>
  u32(lifescanMessageOf(first), SECONDS_AT) < u32(lifescanMessageOf(last), SECONDS_AT);
