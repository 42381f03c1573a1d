import type { DateTime } from "../decode/date-time.ts";
import {
  TAIDOC_COMMAND,
  TAIDOC_FRAME_LENGTH,
  TAIDOC_START,
  TAIDOC_TO_DEVICE,
  taidocChecksum,
} from "../decode/taidoc.ts";

/**
 * Every command that the hub has. 0x52, which erases the meter, and 0x50, which switches it off, are none of them, and
 * `taidocCommand` takes no other.
 */
const COMMANDS = {
  model: TAIDOC_COMMAND.model,
  clock: TAIDOC_COMMAND.clock,
  readingTime: TAIDOC_COMMAND.readingTime,
  readingValue: TAIDOC_COMMAND.readingValue,
  readingCount: TAIDOC_COMMAND.readingCount,
  /** Last and first eight digits of the number (Tidepool, glucoRxDriver.js; h2SyncLib, ForaD40.h). */
  serialLater: 0x27,
  serialFormer: 0x28,
  setClock: TAIDOC_COMMAND.setClock,
} as const;

export type TaidocCommand = keyof typeof COMMANDS;

export const taidocCodeOf = (command: TaidocCommand): number => COMMANDS[command];

/** Frame from the hub to the meter, with up to four octets of data. */
export const taidocCommand = (command: TaidocCommand, data: readonly number[] = []): Uint8Array => {
  const [a = 0, b = 0, c = 0, d = 0] = data;
  const frame = Uint8Array.of(TAIDOC_START, COMMANDS[command], a, b, c, d, TAIDOC_TO_DEVICE, 0);
  frame[TAIDOC_FRAME_LENGTH - 1] = taidocChecksum(frame);
  return frame;
};

/** Number of a record, 0 the newest, as data of `readingTime` and `readingValue`. */
export const taidocRecordNumber = (number: number): readonly number[] => [number & 0xff, (number >> 8) & 0xff, 0, 0];

/** Data of `setClock`: day 5 bits, month 4, year from 2000 7, least significant octet first; minute; hour. */
export const taidocClock = ({ year, month, day, hour, minute }: DateTime): readonly number[] => {
  const date = (((year - 2000) & 0x7f) << 9) | (month << 5) | day;
  return [date & 0xff, date >> 8, minute, hour];
};
