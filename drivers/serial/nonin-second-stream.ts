import { driverId } from "../../protocol/ids.ts";
import { DF8_FRAME_LENGTH, decodeNoninDf8, type NoninDf8Record } from "../decode/nonin-df8.ts";
import type { SensorDriver } from "../driver.ts";
import { createNoninDf8Framer } from "../framer/marked-start.ts";
import { noninSecond, OXIMETER_ACCURACY } from "../normalise/meters/oximeter.ts";
import { nextStreamWindow, STREAM_START, type StreamMoment, type StreamRule } from "../stream-window.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type SerialIntake, type SerialProtocol, UNDERSTOOD } from "./serial-protocol.ts";

export const NONIN_SECOND_STREAM_VERSION = "1.0.0";

/** A frame a second: a reading every 10 s, the first after 3 s; 3 s without a value close the window. */
const RULE: StreamRule = { perReading: 10, toStart: 3, toClose: 3, agreeWithin: OXIMETER_ACCURACY };

/** With the finger out the last values are repeated for 10 s under the alarm (6470-000-01, page 17): they count no more. */
const momentOf = ({ spo2, pulse, outOfTrack, sensorAlarm }: NoninDf8Record): StreamMoment =>
  outOfTrack || sensorAlarm || spo2 === null || pulse === null
    ? { tag: "invalid", isOff: sensorAlarm }
    : { tag: "valid", vitals: [spo2, pulse], progress: 1 };

const createIntake = (): SerialIntake<NoninDf8Record> => {
  let window = STREAM_START;
  return {
    push: (framed) => {
      if (framed.tag === "discarded") return IGNORED;
      const decoded = decodeNoninDf8(framed.bytes);
      if (decoded.tag === "malformed") return { ...decoded, raw: framed.bytes };
      const next = nextStreamWindow(window, momentOf(decoded.record), RULE);
      window = next.window;
      return next.take ? { tag: "reading", record: decoded.record, raw: framed.bytes } : UNDERSTOOD;
    },
  };
};

/** Nonin oximeters and modules that stream data format 8. */
const protocol: SerialProtocol<NoninDf8Record> = {
  id: driverId("nonin-8"),
  version: NONIN_SECOND_STREAM_VERSION,
  source: "nonin-8",
  // Ten seconds of stream: four octets of noise look like a frame easily, ten seconds of it do not.
  unreadableAfter: 10 * DF8_FRAME_LENGTH,
  acknowledgement: null,
  clock: null,
  decode: decodeNoninDf8,
  createFramer: createNoninDf8Framer,
  createIntake,
  timeOf: () => null,
  measure: noninSecond,
};

export const createNoninSecondStreamDriver = (): SensorDriver<NoninDf8Record> => createSerialDriver(protocol);
