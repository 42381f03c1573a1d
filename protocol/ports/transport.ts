import type { ChannelId } from "../ids.ts";
import type { Arrival } from "../time.ts";

/** Bytes from a sensor, stamped when the last of them reached the hub. */
export interface Received {
  readonly channel: ChannelId;
  readonly bytes: Uint8Array;
  readonly at: Arrival;
  /**
   * Tell the sensor that the hub holds this. Called after the outbox committed it: an indication is confirmed towards
   * the sensor only then. Does nothing where the channel has no acknowledgement (notification, serial). Idempotent.
   */
  confirm(): void;
}

/**
 * A byte connection to one sensor. `incoming` can be iterated once; it ends when the connection ends, after what was
 * received has been handed out. Buffers between are bounded: an overrun ends the connection with an error rather than
 * dropping bytes in silence.
 */
export interface Transport extends AsyncDisposable {
  readonly kind: "ble" | "serial";
  readonly incoming: AsyncIterable<Received>;
  /** Aborts when the connection is gone, with a HubError (`ble-disconnected`, `serial-closed`) as its reason. */
  readonly lost: AbortSignal;
  /** Resolves when the bytes are handed over (serial: drained; GATT: write response). */
  write(channel: ChannelId, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** One characteristic that discovery found on a connected sensor. */
export interface GattCharacteristic {
  readonly service: string;
  readonly channel: ChannelId;
  readonly properties: ReadonlySet<"read" | "write" | "write-without-response" | "notify" | "indicate">;
}

/**
 * A discovered GATT connection. Every operation has its own deadline (10 s, design drivers.md radio policy 6) besides
 * the caller's signal and fails with HubError `ble-timeout`, `ble-disconnected` or `ble-att-error`.
 */
export interface BleLink extends Transport {
  readonly kind: "ble";
  /** Identity address, lower-case with colons. */
  readonly address: string;
  readonly characteristics: readonly GattCharacteristic[];
  has(channel: ChannelId): boolean;
  read(channel: ChannelId, signal: AbortSignal): Promise<Uint8Array>;
  /** Enable notifications or indications; values then appear on `incoming`. Also those that came before this call. */
  subscribe(channel: ChannelId, signal: AbortSignal): Promise<void>;
}
