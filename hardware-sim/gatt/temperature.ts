import { octets } from "../radio/little-endian.ts";
import { dateTime, type LocalDateTime } from "./date-time.ts";
import { float, type Quantity } from "./medical-float.ts";

/** Temperature Type, characteristic 2A1D: 1 to 9 in this order (Health Thermometer Service 1.0, 3.2). */
const SITES = ["armpit", "body", "ear", "finger", "gastro-intestinal", "mouth", "rectum", "toe", "tympanum"] as const;

export type TemperatureSite = (typeof SITES)[number];

export interface TemperatureValues {
  readonly temperature: Quantity;
  /** Default C. */
  readonly unit?: "C" | "F";
  readonly site?: TemperatureSite;
}

const FLAG = { FAHRENHEIT: 0x01, TIME: 0x02, SITE: 0x04 } as const;

export const siteOctet = (site: TemperatureSite): number => SITES.indexOf(site) + 1;

/** Temperature Measurement, characteristic 2A1C. */
export const temperatureMeasurement = (values: TemperatureValues, at: LocalDateTime | null): Uint8Array => {
  const { site } = values;
  return octets(
    (values.unit === "F" ? FLAG.FAHRENHEIT : 0) | (at === null ? 0 : FLAG.TIME) | (site === undefined ? 0 : FLAG.SITE),
    float(values.temperature),
    at === null ? [] : dateTime(at),
    site === undefined ? [] : [siteOctet(site)],
  );
};
