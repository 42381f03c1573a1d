import { driverId } from "../../protocol/ids.ts";
import {
  decodeNoninMessage,
  NONIN_ACK,
  NONIN_CLOCK,
  NONIN_CLOCK_ANSWER,
  NONIN_ETX,
  NONIN_STX,
} from "../decode/nonin-command.ts";
import { DF13_START, decodeNoninDf13, type NoninDf13Record } from "../decode/nonin-df13.ts";
import type { SensorDriver } from "../driver.ts";
import { createNoninSpotFramer } from "../framer/nonin-spot.ts";
import { noninSpotCheck } from "../normalise/pulse-oximetry.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type Intake, type SerialIntake, type SerialProtocol, UNDERSTOOD } from "./serial-protocol.ts";

export const NONIN_SPOT_VERSION = "1.0.0";

const onMessage = (frame: Uint8Array): Intake<NoninDf13Record> => {
  // An octet that happens to be ACK or NAK proves nothing about the line.
  if (frame.length === 1) return IGNORED;
  const message = decodeNoninMessage(frame);
  if (message.tag === "malformed") return { ...message, raw: frame };
  const { record } = message;
  return record.tag === "clock" && record.opcode === NONIN_CLOCK_ANSWER
    ? { tag: "clock", time: record.time }
    : UNDERSTOOD;
};

const createIntake = (): SerialIntake<NoninDf13Record> => ({
  push: (framed) => {
    if (framed.tag === "discarded") return IGNORED;
    if (framed.bytes[0] !== DF13_START[0]) return onMessage(framed.bytes);
    const decoded = decodeNoninDf13(framed.bytes);
    return decoded.tag === "ok"
      ? { tag: "reading", record: decoded.record, raw: framed.bytes }
      : { ...decoded, raw: framed.bytes };
  },
});

/**
 * Nonin 9560 in data format 13, spot checks with store and forward (6470-000-01, pages 4 to 7). Its clock is asked and
 * set with operation 72. The published document knows no acknowledgement of a record; the hub sends an ACK all the same
 * once the record is durable, for units that wait for one: a lone 06 is no command (those begin with 02), so the others
 * ignore it.
 */
const protocol: SerialProtocol<NoninDf13Record> = {
  id: driverId("nonin-13"),
  version: NONIN_SPOT_VERSION,
  source: "nonin-13",
  // Three records of 22 octets.
  unreadableAfter: 66,
  acknowledgement: Uint8Array.of(NONIN_ACK),
  clock: {
    ask: Uint8Array.of(NONIN_STX, NONIN_CLOCK, 0, NONIN_ETX),
    set: ({ year, month, day, hour, minute, second }) =>
      Uint8Array.of(NONIN_STX, NONIN_CLOCK, 6, year % 100, month, day, hour, minute, second ?? 0, NONIN_ETX),
  },
  decode: decodeNoninDf13,
  createFramer: createNoninSpotFramer,
  createIntake,
  timeOf: (record) => record.time,
  measure: noninSpotCheck,
};

export const createNoninSpotDriver = (): SensorDriver<NoninDf13Record> => createSerialDriver(protocol);
