import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooLong, tooShort, u8 } from "./field.ts";

/** Battery Level, 0x2A19 (BAS 1.0 section 3.1). */
export interface BatteryRecord {
  /** 0 to 100. */
  readonly percent: number;
}

export const decodeBattery = (bytes: Uint8Array): Decoded<BatteryRecord> => {
  if (bytes.length < 1) return tooShort("battery level", 1, 0);
  if (bytes.length > 1) return tooLong("battery level", 1, bytes.length);
  const percent = u8(bytes, 0);
  if (percent > 100) return malformed("range", `battery level: ${percent}, but 100 % is full`);
  return decoded({ percent });
};
