import { driverId } from "../../protocol/ids.ts";
import { type AndWeightRecord, decodeAndWeight } from "../decode/aandd-line.ts";
import { type Decoded, malformed, type SensorDriver } from "../driver.ts";
import { createLineFramer } from "../framer/line.ts";
import { andWeight } from "../normalise/line-scale.ts";
import { type LoadState, nextLoad } from "./load-state.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type SerialIntake, type SerialProtocol, UNDERSTOOD } from "./serial-protocol.ts";

export const AND_SCALE_VERSION = "1.0.0";

/** Header 2, comma, sign and data 9, unit 3 (EK-L series manual, section 9-2). */
const STANDARD_LENGTH = 15;

/** The line has no checksum: one that lost a digit is a wrong weight that looks right, but for its length. */
const decodeWhole = (line: Uint8Array): Decoded<AndWeightRecord> => {
  const length = line.findLastIndex((octet) => octet !== 0x0d && octet !== 0x0a) + 1;
  return length === STANDARD_LENGTH
    ? decodeAndWeight(line)
    : malformed("format", `A&D weight line: ${length} characters instead of ${STANDARD_LENGTH}`);
};

const createIntake = (): SerialIntake<AndWeightRecord> => {
  let load: LoadState = null;
  return {
    push: (framed, at) => {
      if (framed.tag === "discarded") return IGNORED;
      const decoded = decodeWhole(framed.bytes);
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
  decode: decodeWhole,
  createFramer: createLineFramer,
  createIntake,
  timeOf: () => null,
  measure: andWeight,
};

export const createAndScaleDriver = (): SensorDriver<AndWeightRecord> => createSerialDriver(protocol);
