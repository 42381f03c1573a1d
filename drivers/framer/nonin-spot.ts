import { NONIN_ACK, NONIN_ETX, NONIN_LONGEST_COMMAND_DATA, NONIN_NAK, NONIN_STX } from "../decode/nonin-command.ts";
import {
  DF13_FOOTER_LENGTH,
  DF13_HEADER_LENGTH,
  DF13_LONGEST_DATA,
  DF13_SHORTEST_DATA,
  DF13_START,
} from "../decode/nonin-df13.ts";
import type { Framer } from "../driver.ts";
import {
  badChecksum,
  type Cut,
  createCuttingFramer,
  frameOf,
  noise,
  orLaterFrame,
  overlong,
  WAIT,
} from "./cutting-framer.ts";

/** Header, the longest data and footer of a record: 6 + 64 + 2. No answer to a command is longer. */
const NONIN_SPOT_LIMIT = DF13_HEADER_LENGTH + DF13_LONGEST_DATA + DF13_FOOTER_LENGTH;

const RECORD_START = 0x00;

/** STX, operation and size before the data of an answer, ETX after it. */
const MESSAGE_OVERHEAD = 4;

/**
 * Where in a damaged record the next one may start, or its end. The record is discarded in one piece because dates in
 * it hold the octets 06 and 15, which must not come out as ACK and NAK. Only the record itself is looked at, so that it
 * does not matter how much of what follows has arrived.
 */
const nextStart = (pending: Uint8Array, whole: number): number => {
  const mayStart = (from: number): boolean =>
    DF13_START.every((octet, at) => from + at >= whole || pending[from + at] === octet);
  for (let at = 1; at < whole; at++) if (mayStart(at)) return at;
  return whole;
};

const cutRecord = (pending: Uint8Array): Cut => {
  const known = Math.min(pending.length, DF13_START.length);
  for (let at = 0; at < known; at++) if (pending[at] !== DF13_START[at]) return noise(1);
  if (pending.length < DF13_HEADER_LENGTH) return WAIT;
  const length = ((pending[4] ?? 0) << 8) | (pending[5] ?? 0);
  if (length < DF13_SHORTEST_DATA) return noise(1);
  if (length > DF13_LONGEST_DATA) return overlong(1);
  const whole = DF13_HEADER_LENGTH + length + DF13_FOOTER_LENGTH;
  if (pending.length < whole) return WAIT;
  const next = nextStart(pending, whole);
  if (pending[whole - 1] !== NONIN_ETX) return noise(next);
  let sum = 0;
  for (let at = DF13_HEADER_LENGTH; at < whole - DF13_FOOTER_LENGTH; at++) sum += pending[at] ?? 0;
  return (sum & 0xff) === pending[whole - 2] ? frameOf(whole) : badChecksum(next);
};

const cutRecordOrLater = orLaterFrame(cutRecord, RECORD_START);

const cutMessage = (pending: Uint8Array): Cut => {
  const size = pending[2];
  if (size === undefined) return WAIT;
  if (size > NONIN_LONGEST_COMMAND_DATA) return noise(1);
  const whole = size + MESSAGE_OVERHEAD;
  if (pending.length < whole) return WAIT;
  return pending[whole - 1] === NONIN_ETX ? frameOf(whole) : noise(1);
};

const cut = (pending: Uint8Array): Cut => {
  switch (pending[0]) {
    case RECORD_START:
      return cutRecordOrLater(pending);
    case NONIN_STX:
      return cutMessage(pending);
    case NONIN_ACK:
    case NONIN_NAK:
      return frameOf(1);
    default:
      return noise(1);
  }
};

/**
 * What a Nonin 9560 sends in data format 13: spot-check records, answers to commands, ACK and NAK (6470-000-01, pages 4
 * to 7). `decodeNoninDf13` takes frames that start with 00, `decodeNoninMessage` all others. Holds at most 71 octets.
 */
export const createNoninSpotFramer = (): Framer => createCuttingFramer(cut, NONIN_SPOT_LIMIT);
