import { HubError } from "../../protocol/errors.ts";
import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { BleLink, GattCharacteristic } from "../../protocol/ports/transport.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { createMemoryIncoming } from "./memory-incoming.ts";

type Property = "read" | "write" | "write-without-response" | "notify" | "indicate";

/** One characteristic of a simulated sensor. Times are on the clock of the link. */
export interface MemoryCharacteristic {
  readonly service: string;
  readonly channel: string;
  readonly properties: readonly Property[];
  /** What a read answers, computed when it is answered. Without it a read is refused (ATT 02, read not permitted). */
  readonly value?: () => Uint8Array;
  readonly onWrite?: (bytes: Uint8Array) => void;
  readonly onSubscribe?: () => void;
  /** How long an operation on this characteristic takes; `never` for a sensor that does not answer. */
  readonly takes?: Millis | "never";
}

/** What the hub did to the sensor, in order. */
export interface LinkOperation {
  readonly tag: "read" | "write" | "subscribe" | "confirm";
  readonly channel: string;
  readonly bytes?: Uint8Array;
}

/** A connected sensor without a radio: the test or the simulation plays it. */
export interface MemoryBleLink extends BleLink {
  readonly operations: readonly LinkOperation[];
  /** A notification or indication. It waits in `incoming`, as on air, also before anybody subscribed. */
  indicate(channel: string, bytes: Uint8Array): void;
  /** The sensor ends the connection. */
  drop(): void;
}

export interface MemoryBleLinkOptions {
  readonly address?: string;
  readonly characteristics: readonly MemoryCharacteristic[];
  readonly clock: Clock & HubTime;
}

/** Deadline of every operation (drivers.md, radio policy 6). */
const GATT_DEADLINE = millis(10_000);

export const createMemoryBleLink = (options: MemoryBleLinkOptions): MemoryBleLink => {
  const { clock } = options;
  const incoming = createMemoryIncoming();
  const gone = new AbortController();
  const operations: LinkOperation[] = [];
  const known = new Map(options.characteristics.map((one) => [channelId(one.channel), one]));
  /** One ATT request at a time (Core Vol 3 Part F 3.3.2). */
  let turn: Promise<unknown> = Promise.resolve();

  const find = (channel: ChannelId, property: Property): MemoryCharacteristic => {
    const one = known.get(channel);
    if (one?.properties.includes(property)) return one;
    throw new HubError("ble-att-error", `simulated sensor: ${channel} has no ${property}`);
  };

  const perform = (one: MemoryCharacteristic, signal: AbortSignal): Promise<void> => {
    const mine = turn.then(async () => {
      signal.throwIfAborted();
      gone.signal.throwIfAborted();
      const stop = AbortSignal.any([signal, gone.signal]);
      if (one.takes === "never") {
        await clock.sleep(GATT_DEADLINE, stop);
        throw new HubError("ble-timeout", `simulated sensor: ${one.channel} did not answer within 10 s`);
      }
      if (one.takes !== undefined) await clock.sleep(one.takes, stop);
    });
    turn = mine.catch(() => undefined);
    return mine;
  };

  const close = (): void => {
    incoming.end();
    gone.abort(new HubError("ble-disconnected", "simulated sensor: the connection ended"));
  };

  return {
    kind: "ble",
    address: options.address ?? "c4:f3:12:53:f2:c9",
    incoming,
    lost: gone.signal,
    operations,
    characteristics: options.characteristics.map(
      ({ service, channel, properties }): GattCharacteristic => ({
        service,
        channel: channelId(channel),
        properties: new Set(properties),
      }),
    ),
    has: (channel) => known.has(channel),
    read: async (channel, signal) => {
      const one = find(channel, "read");
      operations.push({ tag: "read", channel });
      await perform(one, signal);
      if (one.value === undefined) throw new HubError("ble-att-error", `simulated sensor: ${channel} refused the read`);
      return one.value();
    },
    write: async (channel, bytes, signal) => {
      const one = find(channel, "write");
      operations.push({ tag: "write", channel, bytes });
      await perform(one, signal);
      one.onWrite?.(bytes);
    },
    subscribe: async (channel, signal) => {
      const one = known.get(channel);
      if (!one?.properties.some((property) => property === "indicate" || property === "notify")) {
        throw new HubError("ble-att-error", `simulated sensor: ${channel} cannot be subscribed`);
      }
      operations.push({ tag: "subscribe", channel });
      await perform(one, signal);
      one.onSubscribe?.();
    },
    indicate: (channel, bytes) => {
      let isConfirmed = false;
      incoming.push({
        channel: channelId(channel),
        bytes: Uint8Array.from(bytes),
        at: clock.stamp(),
        confirm: () => {
          if (isConfirmed) return;
          isConfirmed = true;
          operations.push({ tag: "confirm", channel });
        },
      });
    },
    drop: close,
    [Symbol.asyncDispose]: async () => close(),
  };
};
