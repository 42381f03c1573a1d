import type { NoninDf2Packet } from "../decode/nonin-df2.ts";
import { nextStreamWindow, type StreamMoment, type StreamRule, type StreamWindow } from "../stream-window.ts";

export { STREAM_START } from "../stream-window.ts";

/** A reading every 30 valid packets: 10 s at three packets a second, counted in the sensor's own packets. */
export const PACKETS_PER_READING = 30;
/** The first reading after the finger came in needs this many packets in a row that agree. */
export const PACKETS_TO_START = 3;
/** Invalid packets in a row (1 s) that close the window; the sensor alarm (finger out) closes it at once. */
export const PACKETS_TO_CLOSE = 3;
/** Packets agree within the sensor's own accuracy: 2 digits of saturation, 3 of pulse (6470-000-01, page 1). */
const AGREE_WITHIN = [2, 3];

const RULE: StreamRule = {
  toStart: PACKETS_TO_START,
  agreeWithin: AGREE_WITHIN,
  perReading: PACKETS_PER_READING,
  toClose: PACKETS_TO_CLOSE,
};

/** Finger out, out of track, or missing data are nothing that can be trusted. */
const momentOf = ({ eSpo2, ePulse, outOfTrack, sensorAlarm }: NoninDf2Packet): StreamMoment =>
  outOfTrack || sensorAlarm || eSpo2 === null || ePulse === null
    ? { tag: "invalid", isOff: sensorAlarm }
    : { tag: "valid", vitals: [eSpo2, ePulse], progress: 1 };

/** What the next packet makes of the stream, and whether it is a reading. Packets lost on the line do not count. */
export const nextWindow = (window: StreamWindow, packet: NoninDf2Packet): { window: StreamWindow; take: boolean } =>
  nextStreamWindow(window, momentOf(packet), RULE);
