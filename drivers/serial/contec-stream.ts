import { driverId } from "../../protocol/ids.ts";
import { CONTEC_LIVE_LENGTH, type ContecLiveRecord, decodeContecLive, isContecMeasurement } from "../decode/contec.ts";
import type { SensorDriver } from "../driver.ts";
import { createContecLiveFramer } from "../framer/marked-start.ts";
import { contecSample, OXIMETER_ACCURACY } from "../normalise/meters/oximeter.ts";
import { nextStreamWindow, STREAM_START, type StreamMoment, type StreamRule } from "../stream-window.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type SerialIntake, type SerialProtocol, UNDERSTOOD } from "./serial-protocol.ts";

export const CONTEC_STREAM_VERSION = "1.0.0";

/** Sixty frames a second of values that change once a second: every 20th is looked at, three a second. */
const LOOK_AT = 20;
/** A reading every 10 s, the first after 1 s; 1 s without a value closes the window. */
const RULE: StreamRule = { perReading: 30, toStart: 3, toClose: 3, agreeWithin: OXIMETER_ACCURACY };

const momentOf = (record: ContecLiveRecord): StreamMoment =>
  isContecMeasurement(record)
    ? { tag: "valid", vitals: [record.spo2, record.pulse], progress: 1 }
    : { tag: "invalid", isOff: record.fingerOut };

const createIntake = (): SerialIntake<ContecLiveRecord> => {
  let window = STREAM_START;
  let frames = 0;
  return {
    push: (framed) => {
      if (framed.tag === "discarded") return IGNORED;
      const decoded = decodeContecLive(framed.bytes);
      if (decoded.tag === "malformed") return { ...decoded, raw: framed.bytes };
      const { record } = decoded;
      frames += 1;
      if (frames % LOOK_AT !== 0 && !record.fingerOut) return UNDERSTOOD;
      const next = nextStreamWindow(window, momentOf(record), RULE);
      window = next.window;
      return next.take ? { tag: "reading", record, raw: framed.bytes } : UNDERSTOOD;
    },
  };
};

/**
 * Live stream of a Contec CMS50. Its memory is left alone: one value a second without any time, so nobody could say when
 * it was measured. It is not asked for (F5 F5), which would also stop the stream.
 */
const protocol: SerialProtocol<ContecLiveRecord> = {
  id: driverId("contec-cms50"),
  version: CONTEC_STREAM_VERSION,
  source: "contec-live",
  // A second of stream.
  unreadableAfter: 60 * CONTEC_LIVE_LENGTH,
  acknowledgement: null,
  clock: null,
  decode: decodeContecLive,
  createFramer: createContecLiveFramer,
  createIntake,
  timeOf: () => null,
  measure: contecSample,
};

export const createContecStreamDriver = (): SensorDriver<ContecLiveRecord> => createSerialDriver(protocol);
