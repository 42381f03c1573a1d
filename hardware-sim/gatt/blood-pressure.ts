import { octets } from "../radio/little-endian.ts";
import { dateTime, type LocalDateTime } from "./date-time.ts";
import { type Quantity, sfloat } from "./medical-float.ts";

/** Measurement Status of 2A35 (Blood Pressure Service 1.1.1, 3.1.1.6). */
export interface BloodPressureStatus {
  readonly bodyMovement?: boolean;
  readonly cuffTooLoose?: boolean;
  readonly irregularPulse?: boolean;
  readonly pulseRate?: "in-range" | "above-range" | "below-range";
  readonly improperPosition?: boolean;
}

export interface BloodPressureValues {
  readonly systolic: Quantity;
  readonly diastolic: Quantity;
  /** Mean arterial pressure. Not a number where left out, as many cuffs send it. */
  readonly meanArterial?: Quantity;
  /** Default mmHg. */
  readonly unit?: "mmHg" | "kPa";
  readonly pulse?: Quantity;
  /** 0 to 254; 255 is an unknown user. */
  readonly user?: number;
  readonly status?: BloodPressureStatus;
}

const FLAG = { KPA: 0x01, TIME: 0x02, PULSE: 0x04, USER: 0x08, STATUS: 0x10 } as const;

const statusBits = (status: BloodPressureStatus): number => {
  const range = { "in-range": 0, "above-range": 1, "below-range": 2 }[status.pulseRate ?? "in-range"];
  return (
    (status.bodyMovement === true ? 0x01 : 0) |
    (status.cuffTooLoose === true ? 0x02 : 0) |
    (status.irregularPulse === true ? 0x04 : 0) |
    (range << 3) |
    (status.improperPosition === true ? 0x20 : 0)
  );
};

/** Blood Pressure Measurement, characteristic 2A35. */
export const bloodPressureMeasurement = (values: BloodPressureValues, at: LocalDateTime | null): Uint8Array => {
  const { pulse, user, status } = values;
  return octets(
    (values.unit === "kPa" ? FLAG.KPA : 0) |
      (at === null ? 0 : FLAG.TIME) |
      (pulse === undefined ? 0 : FLAG.PULSE) |
      (user === undefined ? 0 : FLAG.USER) |
      (status === undefined ? 0 : FLAG.STATUS),
    sfloat(values.systolic),
    sfloat(values.diastolic),
    sfloat(values.meanArterial ?? "nan"),
    at === null ? [] : dateTime(at),
    pulse === undefined ? [] : sfloat(pulse),
    user === undefined ? [] : [user],
    status === undefined ? [] : [statusBits(status), 0],
  );
};
