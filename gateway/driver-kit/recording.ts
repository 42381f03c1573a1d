import { isHubError } from "../../protocol/errors.ts";
import type { ChannelId } from "../../protocol/ids.ts";
import type { BleLink, GattCharacteristic, Received, Transport } from "../../protocol/ports/transport.ts";

/** Events of one recording: what a capture may hold (capture-1.schema.json). What comes later is not recorded. */
export const MOST_EVENTS = 20_000;

/** What happened, as a capture's file has it. Times in ms from the beginning of the session. */
export type RecordedEvent = { readonly at: number; readonly took?: number } & (
  | { readonly tag: "received"; readonly channel: ChannelId; readonly bytes: Uint8Array }
  | { readonly tag: "read"; readonly channel: ChannelId; readonly answer: Uint8Array | { readonly refused: number } }
  | {
      readonly tag: "write";
      readonly channel: ChannelId;
      readonly bytes: Uint8Array;
      readonly refused: number | null;
    }
  | { readonly tag: "subscribe"; readonly channel: ChannelId; readonly refused: number | null }
  | { readonly tag: "disconnect" }
  | { readonly tag: "stop" }
);

/** A transport that notes what goes through it, and changes nothing. */
export interface Recording<T extends Transport> {
  readonly transport: T;
  /** In the order of their beginnings. */
  events(): readonly RecordedEvent[];
  /** Events that found no room. */
  readonly dropped: number;
  readonly characteristics: readonly GattCharacteristic[];
}

const isBleLink = (transport: Transport): transport is BleLink => transport.kind === "ble";

const refusalOf = (thrown: unknown): number | null => {
  const code = isHubError(thrown, "ble-att-error") ? thrown.context.attError : null;
  return typeof code === "number" ? code : null;
};

/** Record a connection. `now` is the session's time in whole ms; `startedAt` its beginning on the arrivals' clock. */
export const record = (given: Transport, now: () => number, startedAt: number): Recording<Transport> => {
  const events: RecordedEvent[] = [];
  let dropped = 0;
  /** When the last operation ended: the link does one at a time, and waiting in its queue is no part of the next. */
  let freeAt = 0;
  const note = (event: RecordedEvent): void => {
    if (events.length < MOST_EVENTS) events.push(event);
    else dropped += 1;
  };

  async function* incoming(): AsyncGenerator<Received> {
    for await (const received of given.incoming) {
      const { channel, bytes, at } = received;
      note({ tag: "received", at: Math.max(0, at.monoMs - startedAt), channel, bytes: Uint8Array.from(bytes) });
      yield received;
    }
  }

  /** An operation that the sensor answered or refused is noted; one that the connection cut off is not. */
  const perform = async <T>(
    operation: () => Promise<T>,
    event: (answer: { readonly value: T } | { readonly refused: number }) => RecordedEvent,
  ): Promise<T> => {
    const askedAt = now();
    const done = (noted: RecordedEvent): void => {
      const at = Math.max(askedAt, freeAt);
      freeAt = now();
      note({ ...noted, at, took: freeAt - at });
    };
    try {
      const value = await operation();
      done(event({ value }));
      return value;
    } catch (thrown) {
      const refused = refusalOf(thrown);
      if (refused !== null) done(event({ refused }));
      throw thrown;
    }
  };
  const refusedOf = (answer: object): number | null => ("refused" in answer ? Number(answer.refused) : null);

  const common = {
    incoming: incoming(),
    lost: given.lost,
    write: (channel: ChannelId, bytes: Uint8Array, signal: AbortSignal) =>
      perform(
        () => given.write(channel, bytes, signal),
        (answer) => ({ tag: "write", at: 0, channel, bytes: Uint8Array.from(bytes), refused: refusedOf(answer) }),
      ),
    [Symbol.asyncDispose]: () => given[Symbol.asyncDispose](),
  };
  const ble = (link: BleLink): BleLink => ({
    ...common,
    kind: "ble",
    address: link.address,
    characteristics: link.characteristics,
    has: (channel) => link.has(channel),
    read: (channel, signal) =>
      perform(
        () => link.read(channel, signal),
        (answer) => ({
          tag: "read",
          at: 0,
          channel,
          answer: "value" in answer ? Uint8Array.from(answer.value) : answer,
        }),
      ),
    subscribe: (channel, signal) =>
      perform(
        () => link.subscribe(channel, signal),
        (answer) => ({ tag: "subscribe", at: 0, channel, refused: refusedOf(answer) }),
      ),
  });

  return {
    transport: isBleLink(given) ? ble(given) : { ...common, kind: given.kind },
    events: () => events.toSorted((a, b) => a.at - b.at),
    get dropped() {
      return dropped;
    },
    characteristics: isBleLink(given) ? given.characteristics : [],
  };
};
