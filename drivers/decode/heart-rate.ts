import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooShort, u8, u16 } from "./field.ts";

/** Heart Rate Measurement, 0x2A37 (HRS 1.0 section 3.1). */
export interface HeartRateRecord {
  /** Beats a minute. */
  readonly heartRate: number;
  /** Skin contact; null where the sensor cannot tell. */
  readonly contact: boolean | null;
  /** Since it was last set to zero. 65535 is "more than can be said". */
  readonly energyKJ: number | null;
  /** Time between beats in 1/1024 s, oldest first; null where the flags announce none. */
  readonly rr1024: readonly number[] | null;
  /** Flag bits 5 to 7 in place. */
  readonly reservedFlags: number;
  readonly trailing: number;
}

export const decodeHeartRate = (bytes: Uint8Array): Decoded<HeartRateRecord> => {
  const flags = u8(bytes, 0);
  const wide = (flags & 0x01) !== 0;
  const energetic = (flags & 0x08) !== 0;
  const beating = (flags & 0x10) !== 0;
  const energyAt = wide ? 3 : 2;
  const rrAt = energyAt + (energetic ? 2 : 0);
  const needed = rrAt + (beating ? 2 : 0);
  if (bytes.length < needed) return tooShort("heart rate measurement", needed, bytes.length);
  const rest = bytes.length - rrAt;
  if (beating && rest % 2 !== 0) {
    return malformed("truncated", `heart rate measurement: ${rest} bytes of RR intervals, which take two each`);
  }
  let rr1024: number[] | null = null;
  if (beating) {
    rr1024 = [];
    for (let at = rrAt; at < bytes.length; at += 2) rr1024.push(u16(bytes, at));
  }
  return decoded({
    heartRate: wide ? u16(bytes, 1) : u8(bytes, 1),
    contact: (flags & 0x04) === 0 ? null : (flags & 0x02) !== 0,
    energyKJ: energetic ? u16(bytes, energyAt) : null,
    rr1024,
    reservedFlags: flags & 0xe0,
    trailing: beating ? 0 : rest,
  });
};
