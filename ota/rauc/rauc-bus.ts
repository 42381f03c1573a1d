/**
 * What RAUC is asked over: a connection to the system's D-Bus. The shape of drivers/ble/bluez/dbus.ts, which code in
 * `ota` may not import; whoever wires the hub passes `(listener) => openDbus(null, listener)`.
 */
export interface RaucBus {
  readonly ready: Promise<void>;
  /** Rejects with an error whose `type` is the name of the D-Bus error. Never settles where nobody answers. */
  call(call: RaucCall): Promise<{ readonly body: readonly unknown[] }>;
  close(): void;
}

export interface RaucCall {
  readonly destination: string;
  readonly path: string;
  readonly iface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

/** Variants are unwrapped. */
export interface RaucSignal {
  readonly iface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface RaucBusListener {
  signal(signal: RaucSignal): void;
  asked(): null;
  lost(cause: Error): void;
}

export type OpenRaucBus = (listener: RaucBusListener) => RaucBus;
