import { driverId } from "../../protocol/ids.ts";
import { decodeTanita, type TanitaRecord } from "../decode/tanita-line.ts";
import type { SensorDriver } from "../driver.ts";
import { createTanitaFramer } from "../framer/line.ts";
import { tanitaMeasurement } from "../normalise/line-scale.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type SerialIntake, type SerialProtocol } from "./serial-protocol.ts";

export const TANITA_SCALE_VERSION = "1.0.0";

const createIntake = (): SerialIntake<TanitaRecord> => ({
  push: (framed) => {
    if (framed.tag === "discarded") return IGNORED;
    const decoded = decodeTanita(framed.bytes);
    return decoded.tag === "ok"
      ? { tag: "reading", record: decoded.record, raw: framed.bytes }
      : { ...decoded, raw: framed.bytes };
  },
});

/** Body composition scales of Tanita, which print one line a measurement. */
const protocol: SerialProtocol<TanitaRecord> = {
  id: driverId("tanita-scale"),
  version: TANITA_SCALE_VERSION,
  source: "tanita-line",
  // Two lines of some 220 octets, and what the scale sends after a line that is no line (WB-3000 manual, page 10).
  unreadableAfter: 512,
  acknowledgement: null,
  clock: null,
  decode: decodeTanita,
  createFramer: createTanitaFramer,
  createIntake,
  timeOf: () => null,
  measure: tanitaMeasurement,
};

export const createTanitaScaleDriver = (): SensorDriver<TanitaRecord> => createSerialDriver(protocol);
