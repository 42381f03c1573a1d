import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import type { RadioAddress } from "./address.ts";
import { STATUS } from "./hci-codes.ts";
import { sameBytes } from "./little-endian.ts";

/** Units as in HCI: interval x 1.25 ms, latency in connection events, supervision timeout x 10 ms. */
export interface ConnectionParameters {
  readonly interval: number;
  readonly latency: number;
  readonly timeout: number;
}

/** What LE Start Encryption names a long-term key by. Both in the octet order of the air. */
export interface KeyRequest {
  readonly rand: Uint8Array;
  readonly ediv: number;
}

/** What a device does with one connection. Calls come one after another, never nested in the device's own `send`. */
export interface PeripheralSession {
  /** An L2CAP payload: channel 4 is ATT, 5 signalling, 6 SMP. */
  receive(channel: number, payload: Uint8Array): void;
  /** The long-term key, least significant octet first, or null where the device has none by that name. */
  keyFor?(request: KeyRequest): Uint8Array | null;
  /** The link is encrypted now; the central knows already. */
  encrypted?(): void;
  /** The connection is gone, with the HCI error code that says why. Nothing comes after it. */
  closed(reason: number): void;
}

/** A device's end of a connection. Sending on a closed link does nothing. */
export interface PeripheralLink {
  readonly central: RadioAddress;
  readonly parameters: ConnectionParameters;
  readonly open: boolean;
  readonly encrypted: boolean;
  send(channel: number, payload: Uint8Array): void;
  disconnect(reason?: number): void;
  /** Out of range or out of battery: the central notices only when its supervision timeout has passed. */
  vanish(): void;
}

/** What a controller does with one connection that it made. */
export interface CentralSession {
  receive(channel: number, payload: Uint8Array): void;
  closed(reason: number): void;
}

export interface CentralLink {
  readonly peripheral: RadioAddress;
  readonly parameters: ConnectionParameters;
  send(channel: number, payload: Uint8Array): void;
  disconnect(reason: number): void;
  update(parameters: ConnectionParameters): void;
  /** `done` runs before the device learns of it, with the status of the Encryption Change event. */
  startEncryption(request: KeyRequest, key: Uint8Array, done: (status: number, refreshed: boolean) => void): void;
  rssi(): number;
}

export interface AirLinkOptions {
  readonly clock: Clock;
  readonly central: RadioAddress;
  readonly peripheral: RadioAddress;
  readonly parameters: ConnectionParameters;
  readonly rssi: () => number;
}

export interface AirLink {
  readonly central: CentralLink;
  readonly peripheral: PeripheralLink;
  /** Joins the two ends; nothing is delivered before. */
  join(central: CentralSession, accept: (link: PeripheralLink) => PeripheralSession): void;
}

/**
 * A connection. Delivery is immediate and in order: what one side sends while it is being called is delivered after
 * that call returned, so that neither side is ever entered twice.
 */
export const createAirLink = (options: AirLinkOptions): AirLink => {
  let { parameters } = options;
  let open = false;
  let encrypted = false;
  let near: CentralSession | null = null;
  let far: PeripheralSession | null = null;
  const ended = new AbortController();
  const inFlight: (() => void)[] = [];
  let delivering = false;

  const deliver = (step: () => void): void => {
    inFlight.push(step);
    if (delivering) return;
    delivering = true;
    try {
      for (let next = inFlight.shift(); next !== undefined; next = inFlight.shift()) next();
    } finally {
      delivering = false;
    }
  };

  const closeFar = (reason: number): void => {
    open = false;
    const session = far;
    far = null;
    session?.closed(reason);
  };
  const closeNear = (reason: number): void => {
    ended.abort();
    const session = near;
    near = null;
    session?.closed(reason);
  };

  const peripheral: PeripheralLink = {
    central: options.central,
    get parameters() {
      return parameters;
    },
    get open() {
      return open;
    },
    get encrypted() {
      return encrypted;
    },
    send: (channel, payload) => {
      if (open) deliver(() => near?.receive(channel, payload));
    },
    disconnect: (reason = STATUS.REMOTE_USER_TERMINATED) =>
      deliver(() => {
        if (!open) return;
        closeFar(STATUS.LOCAL_HOST_TERMINATED);
        closeNear(reason);
      }),
    vanish: () =>
      deliver(() => {
        if (!open) return;
        closeFar(STATUS.CONNECTION_TIMEOUT);
        options.clock.sleep(millis(parameters.timeout * 10), ended.signal).then(
          () => closeNear(STATUS.CONNECTION_TIMEOUT),
          // The central gave up before its supervision timeout.
          () => undefined,
        );
      }),
  };

  const central: CentralLink = {
    peripheral: options.peripheral,
    get parameters() {
      return parameters;
    },
    send: (channel, payload) => deliver(() => far?.receive(channel, payload)),
    disconnect: (reason) =>
      deliver(() => {
        closeFar(reason);
        closeNear(STATUS.LOCAL_HOST_TERMINATED);
      }),
    update: (next) => {
      parameters = next;
    },
    startEncryption: (request, key, done) =>
      deliver(() => {
        const own = far?.keyFor?.(request) ?? null;
        if (own === null || !sameBytes(own, key)) return done(STATUS.KEY_MISSING, false);
        const refreshed = encrypted;
        encrypted = true;
        done(STATUS.SUCCESS, refreshed);
        deliver(() => far?.encrypted?.());
      }),
    rssi: options.rssi,
  };

  return {
    central,
    peripheral,
    join: (centralSession, accept) =>
      deliver(() => {
        open = true;
        near = centralSession;
        far = accept(peripheral);
      }),
  };
};
