import type { NoninDf2Packet } from "../decode/nonin-df2.ts";

/** A reading every 30 valid packets: 10 s at three packets a second, counted in the sensor's own packets. */
export const PACKETS_PER_READING = 30;
/** The first reading after the finger came in needs this many packets in a row that agree. */
export const PACKETS_TO_START = 3;
/** Invalid packets in a row (1 s) that close the window; the sensor alarm (finger out) closes it at once. */
export const PACKETS_TO_CLOSE = 3;
/** Packets agree within the sensor's own accuracy: 2 digits of saturation, 3 of pulse (6470-000-01, page 1). */
const AGREE_SPO2 = 2;
const AGREE_PULSE = 3;

/** Where a stream is: waiting for the first reading of a finger, or counting towards the next. */
export type StreamWindow =
  | { readonly tag: "starting"; readonly agreeing: readonly Vital[]; readonly invalid: number }
  | { readonly tag: "counting"; readonly valid: number; readonly invalid: number };

interface Vital {
  readonly spo2: number;
  readonly pulse: number;
}

export const STREAM_START: StreamWindow = { tag: "starting", agreeing: [], invalid: 0 };

/** The values of a packet that can be trusted, or null: finger out, out of track, or missing data. */
const vitalOf = (packet: NoninDf2Packet): Vital | null => {
  const { eSpo2, ePulse, outOfTrack, sensorAlarm } = packet;
  return outOfTrack || sensorAlarm || eSpo2 === null || ePulse === null ? null : { spo2: eSpo2, pulse: ePulse };
};

const spread = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

const doAgree = (vitals: readonly Vital[]): boolean =>
  spread(vitals.map((one) => one.spo2)) <= AGREE_SPO2 && spread(vitals.map((one) => one.pulse)) <= AGREE_PULSE;

const afterInvalid = (window: StreamWindow, isFingerOut: boolean): StreamWindow => {
  const invalid = window.invalid + 1;
  if (isFingerOut || invalid >= PACKETS_TO_CLOSE) return STREAM_START;
  return window.tag === "starting" ? { ...window, agreeing: [], invalid } : { ...window, valid: 0, invalid };
};

/**
 * What the next packet makes of the stream, and whether it is a reading. The first reading comes as soon as three valid
 * packets in a row agree, so that a short clip-on gives one; then one every 30 valid packets, with the values of the
 * packet that completes them. A short artifact starts the count again; a finger that is out closes the window, and the
 * next one starts afresh. Packets lost on the line do not count.
 */
export const nextWindow = (window: StreamWindow, packet: NoninDf2Packet): { window: StreamWindow; take: boolean } => {
  const vital = vitalOf(packet);
  if (vital === null) return { window: afterInvalid(window, packet.sensorAlarm), take: false };
  if (window.tag === "counting") {
    const valid = window.valid + 1;
    const take = valid >= PACKETS_PER_READING;
    return { window: { tag: "counting", valid: take ? 0 : valid, invalid: 0 }, take };
  }
  const agreeing = [...window.agreeing, vital].slice(-PACKETS_TO_START);
  const take = agreeing.length === PACKETS_TO_START && doAgree(agreeing);
  return {
    window: take ? { tag: "counting", valid: 0, invalid: 0 } : { tag: "starting", agreeing, invalid: 0 },
    take,
  };
};
