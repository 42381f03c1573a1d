import { driverId } from "../../protocol/ids.ts";
import { type Millis, minutes } from "../../protocol/time.ts";
import {
  decodeVitalograph,
  decodeVitalographTest,
  VITALOGRAPH_ACK,
  VITALOGRAPH_LONGEST_TEST,
  type VitalographTest,
} from "../decode/vitalograph.ts";
import type { SensorDriver } from "../driver.ts";
import { createVitalographFramer } from "../framer/vitalograph.ts";
import { vitalographTest } from "../normalise/spirometry.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type SerialIntake, type SerialProtocol, UNDERSTOOD } from "./serial-protocol.ts";

export const VITALOGRAPH_VERSION = "1.0.0";

const createIntake = (): SerialIntake<VitalographTest> => ({
  push: (framed) => {
    if (framed.tag === "discarded") return IGNORED;
    const decoded = decodeVitalograph(framed.bytes);
    if (decoded.tag === "malformed") return { ...decoded, raw: framed.bytes };
    const { record } = decoded;
    return record.tag === "test" ? { tag: "reading", record, raw: framed.bytes } : UNDERSTOOD;
  },
});

/**
 * Vitalograph lung monitors, model 4000, which send test data after each blow and take an ACK for it. Their commands
 * (`GV..`: ask and set the clock, clear the memory, reset) are known from one program only, which sends the one that
 * clears the memory where it means to set the clock. So this hub sends none, and the monitor's clock is neither asked
 * nor set.
 */
/** A patient rests between two blows of a test, a minute or so. */
export const BLOW_TO_BLOW: Millis = minutes(2);

export const vitalographProtocol: SerialProtocol<VitalographTest> = {
  id: driverId("vitalograph-lung-monitor"),
  version: VITALOGRAPH_VERSION,
  source: "vitalograph",
  unreadableAfter: 3 * VITALOGRAPH_LONGEST_TEST,
  acknowledgement: Uint8Array.of(VITALOGRAPH_ACK),
  clock: null,
  lull: BLOW_TO_BLOW,
  decode: decodeVitalographTest,
  createFramer: createVitalographFramer,
  createIntake,
  timeOf: (record) => record.time,
  measure: vitalographTest,
};

/** Over a serial port: a cable, or the serial port profile of classic Bluetooth. */
export const createVitalographSerialDriver = (): SensorDriver<VitalographTest> =>
  createSerialDriver(vitalographProtocol);
