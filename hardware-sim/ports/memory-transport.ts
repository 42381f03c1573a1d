import { HubError } from "../../protocol/errors.ts";
import { SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { HubTime } from "../../protocol/ports/clock.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { createMemoryIncoming } from "./memory-incoming.ts";

/** A serial connection without a port: the test or the simulation plays the sensor. */
export interface MemoryTransport extends Transport {
  readonly kind: "serial";
  /** Bytes from the sensor, as one arrival. */
  send(bytes: Uint8Array): void;
  /** What the hub wrote, one entry a write. */
  readonly written: readonly Uint8Array[];
  /** The cable is pulled. */
  unplug(): void;
}

export const createMemoryTransport = (time: HubTime): MemoryTransport => {
  const incoming = createMemoryIncoming();
  const gone = new AbortController();
  const written: Uint8Array[] = [];
  const close = (): void => {
    incoming.end();
    gone.abort(new HubError("serial-closed", "simulated serial port: went away; connect it again"));
  };
  return {
    kind: "serial",
    incoming,
    lost: gone.signal,
    written,
    send: (bytes) =>
      incoming.push({
        channel: SERIAL_CHANNEL,
        bytes: Uint8Array.from(bytes),
        at: time.stamp(),
        confirm: () => undefined,
      }),
    unplug: close,
    write: async (_channel, bytes, signal) => {
      signal.throwIfAborted();
      gone.signal.throwIfAborted();
      written.push(Uint8Array.from(bytes));
    },
    [Symbol.asyncDispose]: async () => close(),
  };
};
