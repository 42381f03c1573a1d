import { localParts } from "./local-parts.ts";

/**
 * TaiDoc (FORA, GlucoRx): frames of eight octets, 51, command, four of data, A3 from the hub or A5 from the meter, sum
 * of the seven modulo 256 (glucometer-protocols taidoc/td42xx, glucometerutils drivers/td42xx.py, Tidepool
 * glucorx/glucoRxDriver.js; for pressure also h2SyncLib BLE_VENDOR/FORA_MTI and advmeds-bluetooth-lib).
 */
const START = 0x51;
const FROM_HUB = 0xa3;
const FROM_METER = 0xa5;
const TAIDOC_FRAME_OCTETS = 8;

export const TAIDOC = {
  CONNECT: 0x22,
  CLOCK: 0x23,
  MODEL: 0x24,
  RECORD_TIME: 0x25,
  RECORD_VALUE: 0x26,
  SERIAL_LATER: 0x27,
  SERIAL_FORMER: 0x28,
  COUNT: 0x2b,
  SET_CLOCK: 0x33,
  LIVE: 0x49,
  TURN_OFF: 0x50,
  ERASE: 0x52,
  COMMUNICATION: 0x54,
} as const;

const sumOf = (octets: readonly number[]): number => octets.reduce((sum, octet) => sum + octet, 0) & 0xff;

const frame = (command: number, data: readonly number[], direction: number): Uint8Array => {
  const [a = 0, b = 0, c = 0, d = 0] = data;
  const seven = [START, command, a, b, c, d, direction];
  return Uint8Array.from([...seven, sumOf(seven)]);
};

export const taidocAnswer = (command: number, data: readonly number[] = []): Uint8Array =>
  frame(command, data, FROM_METER);

export const taidocCommand = (command: number, data: readonly number[] = []): Uint8Array =>
  frame(command, data, FROM_HUB);

export interface TaidocCommand {
  readonly command: number;
  readonly data: Uint8Array;
}

/** Takes bytes as they come and gives the whole commands; spoiled ones are dropped in silence, as a meter does. */
export const createTaidocReader = (): ((bytes: Uint8Array) => readonly TaidocCommand[]) => {
  let pending: number[] = [];
  return (bytes) => {
    const commands: TaidocCommand[] = [];
    pending.push(...bytes);
    while (pending.length > 0) {
      const eight = pending.slice(0, TAIDOC_FRAME_OCTETS);
      if (eight[0] === START && eight.length < TAIDOC_FRAME_OCTETS) break;
      const isWhole = eight[0] === START && eight[6] === FROM_HUB && sumOf(eight.slice(0, 7)) === eight[7];
      if (isWhole) commands.push({ command: eight[1] ?? 0, data: Uint8Array.from(eight.slice(2, 6)) });
      pending = pending.slice(isWhole ? TAIDOC_FRAME_OCTETS : 1);
    }
    return commands;
  };
};

/** Seven bits of year since 2000, four of month, five of day, least significant octet first; then minute and hour. */
export const taidocTime = (ms: number): readonly number[] => {
  const { year, month, day, hour, minute } = localParts(ms);
  const date = ((year - 2000) << 9) | (month << 5) | day;
  return [date & 0xff, date >> 8, minute, hour];
};

export const readTaidocTime = (data: Uint8Array): number => {
  const [low = 0, high = 0, minute = 0, hour = 0] = data;
  const date = low | (high << 8);
  return Date.UTC(2000 + (date >> 9), ((date >> 5) & 0xf) - 1, date & 0x1f, hour & 0x1f, minute & 0x3f);
};
