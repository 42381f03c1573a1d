import type { ChannelId } from "../../protocol/ids.ts";
import type { Received } from "../../protocol/ports/transport.ts";
import type { Arrival } from "../../protocol/time.ts";
import type { Decoded, MalformedReason } from "../driver.ts";

/** A record, the bytes that it was decoded from, and when the last of them came. */
export interface Taken<R> {
  readonly record: R;
  readonly source: ChannelId;
  readonly raw: Uint8Array;
  readonly at: Arrival;
}

/** Bytes that are no reading: kept for the technician. */
export interface Refused<R> {
  readonly source: ChannelId;
  readonly raw: Uint8Array;
  readonly at: Arrival;
  readonly reason: MalformedReason;
  readonly detail: string;
  /** What the bytes are where that is understood, so that the sensor's memory need not be read for it again. */
  readonly record?: R;
}

/** What a value makes ready. Both empty: it waits for another, or it is no reading of its own. */
export interface IntakeStep<R> {
  readonly taken: readonly Taken<R>[];
  readonly refused: readonly Refused<R>[];
}

/**
 * Why nothing follows for now: the sensor is quiet, it has said that its memory is told, or the link is gone, so that it
 * still has what was not confirmed.
 */
export type Pause = "quiet" | "told" | "lost";

/** Makes records of the values of one connection. Holds back what needs a companion, at most its documented bound. */
export interface GattIntake<R> {
  push(received: Received): IntakeStep<R>;
  /** What was held back, or is given up. */
  settle(pause: Pause): IntakeStep<R>;
}

export const NOTHING: IntakeStep<never> = { taken: [], refused: [] };

export const takenOf = <R>(record: R, { channel, bytes, at }: Received): IntakeStep<R> => ({
  taken: [{ record, source: channel, raw: bytes, at }],
  refused: [],
});

export const refusedOf = (
  { channel, bytes, at }: Received,
  reason: MalformedReason,
  detail: string,
): IntakeStep<never> => ({ taken: [], refused: [{ source: channel, raw: bytes, at, reason, detail }] });

export const bothOf = <R>(one: IntakeStep<R>, other: IntakeStep<R>): IntakeStep<R> => ({
  taken: [...one.taken, ...other.taken],
  refused: [...one.refused, ...other.refused],
});

/** Bytes of two values that make one record, in the order of the record. */
export const joinedBytes = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** For services of which every value is a record. */
export const createSingleIntake = <R>(
  decode: (bytes: Uint8Array, channel: ChannelId) => Decoded<R>,
): GattIntake<R> => ({
  push: (received) => {
    const decoded = decode(received.bytes, received.channel);
    return decoded.tag === "ok"
      ? takenOf(decoded.record, received)
      : refusedOf(received, decoded.reason, decoded.detail);
  },
  settle: () => NOTHING,
});
