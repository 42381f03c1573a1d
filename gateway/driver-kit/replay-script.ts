import type { ChannelId } from "../../protocol/ids.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import { bytesText, matches, patternText } from "./byte-pattern.ts";
import type { CaptureAnswer, CaptureEvent } from "./capture.ts";
import type { Difference } from "./difference.ts";

/** How long the sensor of a capture waits for what the hub did in it: as long as a session may last. */
const PATIENCE = seconds(120);

export type SensorEvent = Extract<CaptureEvent, { readonly tag: "received" | "disconnect" | "stop" }>;

/** What a replayed sensor answers to an operation, and how long it takes. */
export interface ScriptAnswer {
  readonly took: Millis;
  /** Of a read that the session does not list: null. */
  readonly answer: CaptureAnswer | null;
}

/**
 * A capture's session as the sensor plays it. What the sensor does comes at its time, counted from what it followed: a
 * write or subscription of the capture that the hub has not made yet is waited for (at most 120 s), because a sensor
 * that was asked answers when it is asked. Reads are answered in the order of the capture, channel by channel, and
 * whenever they come.
 */
export interface ReplayScript {
  /** The next thing that the sensor does or gives up waiting for; null where nothing is left, or the hub is waited for. */
  next(now: Millis): { readonly due: Millis; readonly event: SensorEvent | null } | null;
  /** Go on after what `next` gave, at its time. */
  done(now: Millis): void;
  read(channel: ChannelId): ScriptAnswer;
  write(channel: ChannelId, bytes: Uint8Array, now: Millis): ScriptAnswer;
  subscribe(channel: ChannelId, now: Millis): ScriptAnswer;
  /** Events that are over, waited-for operations included. */
  readonly position: number;
  readonly differences: readonly Difference[];
}

const isSensors = (event: CaptureEvent): event is SensorEvent =>
  event.tag === "received" || event.tag === "disconnect" || event.tag === "stop";

export const createReplayScript = (session: readonly CaptureEvent[]): ReplayScript => {
  const differences: Difference[] = [];
  const used = new Set<CaptureEvent>();
  let position = 0;
  /** How much later than in the capture things happen now. */
  let shift = 0;
  /** When the operation that is waited for began to be waited for. */
  let waitingSince: number | null = null;

  const skip = (): void => {
    for (let event = session[position]; event !== undefined; event = session[position]) {
      if (isSensors(event) || (event.tag !== "read" && !used.has(event))) return;
      position += 1;
      waitingSince = null;
    }
  };

  /** The hub did what the capture has next on this channel. */
  const take = <T extends "read" | "write" | "subscribe">(
    tag: T,
    channel: ChannelId,
    now: Millis | null,
  ): Extract<CaptureEvent, { readonly tag: T }> | null => {
    const index = session.findIndex((one) => one.tag === tag && one.channel === channel && !used.has(one));
    const event = session[index];
    if (event === undefined) return null;
    used.add(event);
    if (index === position && now !== null) shift = now - event.at;
    skip();
    return event as Extract<CaptureEvent, { readonly tag: T }>;
  };

  const answered = (refused: number | null): CaptureAnswer =>
    refused === null ? { bytes: new Uint8Array(0) } : { refused };

  skip();
  return {
    next: (now) => {
      const event = session[position];
      if (event === undefined) return null;
      if (isSensors(event)) return { due: millis(Math.max(now, event.at + shift)), event };
      waitingSince ??= now;
      return { due: millis(waitingSince + PATIENCE), event: null };
    },
    done: (now) => {
      const event = session[position];
      if (event === undefined) return;
      if (!isSensors(event) && event.tag !== "read") {
        const expected = event.tag === "write" ? `write of ${patternText(event.bytes)}` : "subscription";
        differences.push({
          line: event.line,
          what: `${event.tag} ${event.channel}`,
          expected: `a ${expected} within ${PATIENCE / 1000} s`,
          found: "none",
        });
        used.add(event);
        shift = now - event.at;
      }
      position += 1;
      waitingSince = null;
      skip();
    },
    read: (channel) => {
      const event = take("read", channel, null);
      return event === null ? { took: millis(0), answer: null } : { took: event.took, answer: event.answer };
    },
    write: (channel, bytes, now) => {
      const isOver = position >= session.length;
      const event = take("write", channel, now);
      if (event === null) {
        // After the last event nobody recorded what a sensor would have been told.
        if (!isOver) {
          const line = session[Math.min(position, session.length - 1)]?.line ?? 0;
          differences.push({ line, what: `write ${channel}`, expected: "no further write", found: bytesText(bytes) });
        }
        return { took: millis(0), answer: answered(null) };
      }
      if (!matches(event.bytes, bytes)) {
        const expected = patternText(event.bytes);
        differences.push({ line: event.line, what: `write ${channel}`, expected, found: bytesText(bytes) });
      }
      return { took: event.took, answer: answered(event.refused) };
    },
    subscribe: (channel, now) => {
      const event = take("subscribe", channel, now);
      return { took: event?.took ?? millis(0), answer: answered(event?.refused ?? null) };
    },
    get position() {
      return position;
    },
    differences,
  };
};
