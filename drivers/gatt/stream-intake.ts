import type { ChannelId } from "../../protocol/ids.ts";
import type { Received } from "../../protocol/ports/transport.ts";
import type { Decoded } from "../driver.ts";
import { nextStreamWindow, STREAM_START, type StreamMoment, type StreamRule, type Vitals } from "../stream-window.ts";
import { type GattIntake, joinedBytes, NOTHING, refusedOf } from "./intake.ts";

/** A reading every 10 s, as the oximeters on a cable give it. Services stream about one value a second. */
const READING_EVERY_MS = 10_000;
/** A longer gap is a pause of the stream, not progress. */
const LONGEST_STEP_MS = 2000;
const MOMENTS_TO_START = 3;
const MOMENTS_TO_CLOSE = 3;
/** Values of one reading at most: ten a second for its 10 s, well above what a service sends. */
const MAX_MOMENTS = 100;

/** What a moment of a stream is worth: its values, or why they cannot be trusted. */
export type Judged = { readonly tag: "valid"; readonly vitals: Vitals } | Extract<StreamMoment, { tag: "invalid" }>;

export interface StreamOptions<M, R> {
  decode(bytes: Uint8Array, channel: ChannelId): Decoded<M>;
  judge(moment: M): Judged;
  /** Moments agree when none of their values spreads by more than this. */
  readonly agreeWithin: Vitals;
  /** The record of a window, from its moments in order and the time between the first and the last. */
  join(moments: readonly M[], last: M, durationMs: number): R;
  /** Whether the reading's bytes are those of all moments, or of the last. */
  readonly raw: "all" | "last";
}

interface Held<M> {
  readonly moment: M;
  readonly received: Received;
}

/** For services that stream: a reading for a window, not for a value. What is not of a full window is no reading. */
export const createStreamIntake = <M, R>(options: StreamOptions<M, R>): GattIntake<R> => {
  const { agreeWithin } = options;
  const rule: StreamRule = {
    toStart: MOMENTS_TO_START,
    agreeWithin,
    perReading: READING_EVERY_MS,
    toClose: MOMENTS_TO_CLOSE,
  };
  let window = STREAM_START;
  let held: Held<M>[] = [];
  let previousMs: number | null = null;

  const momentOf = (judged: Judged, atMs: number): StreamMoment => {
    if (judged.tag === "invalid") return judged;
    const step = previousMs === null ? 0 : Math.min(atMs - previousMs, LONGEST_STEP_MS);
    return { ...judged, progress: step };
  };

  return {
    push: (received) => {
      const decoded = options.decode(received.bytes, received.channel);
      if (decoded.tag === "malformed") return refusedOf(received, decoded.reason, decoded.detail);
      const { at, channel } = received;
      const moment = momentOf(options.judge(decoded.record), at.monoMs);
      previousMs = at.monoMs;
      const next = nextStreamWindow(window, moment, rule);
      window = next.window;
      if (moment.tag === "invalid") {
        held = [];
        return NOTHING;
      }
      held.push({ moment: decoded.record, received });
      // While it starts, only the moments that may come to agree belong to the reading.
      if (window.tag === "starting") held = held.slice(-MOMENTS_TO_START);
      if (!next.take && held.length < MAX_MOMENTS) return NOTHING;
      const [first] = held;
      const durationMs = first === undefined ? 0 : at.monoMs - first.received.at.monoMs;
      const record = options.join(
        held.map((one) => one.moment),
        decoded.record,
        durationMs,
      );
      const raw = options.raw === "last" ? received.bytes : joinedBytes(...held.map((one) => one.received.bytes));
      held = [];
      return { taken: [{ record, source: channel, raw, at }], refused: [] };
    },
    settle: () => NOTHING,
  };
};
