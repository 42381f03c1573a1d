import { driverId } from "../../protocol/ids.ts";
import { type AndWeightRecord, decodeAndWeight } from "../decode/aandd-line.ts";
import type { SensorDriver } from "../driver.ts";
import { createLineFramer } from "../framer/line.ts";
import { andWeight } from "../normalise/line-scale.ts";
import { type LoadState, nextLoad } from "./load-state.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type SerialIntake, type SerialProtocol, UNDERSTOOD } from "./serial-protocol.ts";

export const AND_SCALE_VERSION = "1.0.0";

const createIntake = (): SerialIntake<AndWeightRecord> => {
  let load: LoadState = null;
  return {
    push: (framed, at) => {
      if (framed.tag === "discarded") return IGNORED;
      const decoded = decodeAndWeight(framed.bytes);
      if (decoded.tag === "malformed") return { ...decoded, raw: framed.bytes };
      const next = nextLoad(load, decoded.record, at.monoMs);
      load = next.state;
      return next.take ? { tag: "reading", record: decoded.record, raw: framed.bytes } : UNDERSTOOD;
    },
  };
};

/** Scales that print lines in A&D standard format. */
const protocol: SerialProtocol<AndWeightRecord> = {
  id: driverId("and-scale"),
  version: AND_SCALE_VERSION,
  source: "and-line",
  // Three lines of 17 octets.
  unreadableAfter: 51,
  acknowledgement: null,
  clock: null,
  decode: decodeAndWeight,
  createFramer: createLineFramer,
  createIntake,
  timeOf: () => null,
  measure: andWeight,
};

export const createAndScaleDriver = (): SensorDriver<AndWeightRecord> => createSerialDriver(protocol);
