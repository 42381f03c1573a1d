import type NobleBindings from "noble/lib/hci-socket/bindings.js";
import type { BleAdapter } from "./adapter.ts";

/**
 * The one file that imports noble, so that exchanging it is a matter of this folder's noble-*.ts. Opens one binding of
 * its own per adapter and takes out what noble does to a process that is not its own: listeners on SIGINT and exit,
 * lines on standard output, reopening of ports, exceptions out of packets.
 */
export type Bindings = NobleBindings;
export type Hci = NobleBindings.Hci;
export type ConnectParameters = NobleBindings.ConnectParameters;
export type BindingsClass = typeof NobleBindings;

export interface BindingHooks {
  /** Every HCI packet, before noble reads it. */
  packet(packet: Buffer): void;
  /** noble's adapter state, each time that it changes. */
  state(before: string | null, now: string): void;
  /** The socket or the port failed: nothing works any more. May come several times. */
  failed(cause: unknown): void;
}

export interface OpenBinding {
  readonly bindings: Bindings;
  readonly hci: Hci;
  /** Nothing is written or heard from now on. Resolves when the port is closed. */
  close(): Promise<void>;
}

/** Rejects where the native part is missing or does not load. */
export const loadNoble = async (): Promise<BindingsClass> => (await import("noble/lib/hci-socket/bindings.js")).default;

const optionsOf = (adapter: BleAdapter): NobleBindings.Options => {
  switch (adapter.type) {
    case "uart":
      return { hciDriver: "uart", bindParams: { uart: { port: adapter.path, baudRate: adapter.baudRate } } };
    case "hci":
      return { hciDriver: "native", deviceId: adapter.device, userChannel: true };
  }
};

/** Also where the native class made the method read-only. */
const replace = (owner: object, method: string, value: unknown): void => {
  Object.defineProperty(owner, method, { value, configurable: true });
};

const ignore = (): void => undefined;

/** Throws what noble throws when it cannot even make a socket. */
export const openBinding = (Noble: BindingsClass, adapter: BleAdapter, hooks: BindingHooks): OpenBinding => {
  const bindings = new Noble(optionsOf(adapter));
  let current: Hci | null = null;
  let closed = false;

  /** Called by noble's start() between making its HCI layer and opening the socket. */
  const prepare = (hci: Hci): void => {
    const socket = hci._socket;
    const { bindUser, write } = socket;
    const { onSocketData } = hci;
    socket.on("error", hooks.failed);
    // noble catches what this throws and keeps only the fact.
    replace(socket, "bindUser", (...given: Parameters<typeof bindUser>) => {
      try {
        return bindUser.apply(socket, given);
      } catch (thrown) {
        hooks.failed(thrown);
        throw thrown;
      }
    });
    // noble writes from async functions that nobody awaits, also after the end.
    replace(socket, "write", (packet: Buffer) => {
      if (!closed) write.call(socket, packet);
    });
    replace(socket, "_handleReconnection", () => Promise.resolve());
    hci.onSocketData = (packet) => {
      if (closed) return;
      hooks.packet(packet);
      try {
        onSocketData.call(hci, packet);
      } catch {
        // A packet that noble cannot read, of the adapter or a peer. Whoever waits for it runs into a deadline.
      }
    };
  };

  Object.defineProperty(bindings, "_hci", {
    get: () => current,
    set: (hci: Hci) => {
      current = hci;
      prepare(hci);
    },
  });
  // Replaces a handler that prints to standard output, and tears down what its user tears down anyway.
  bindings.onStateChange = (now) => {
    const before = bindings._state;
    bindings._state = now;
    if (!closed && before !== now) hooks.state(before, now);
  };

  /** The hub has one orderly shutdown; a listener of noble's would end the process in the middle of it. */
  const dropProcessListeners = (): void => {
    if (bindings._sigIntHandler !== undefined) process.removeListener("SIGINT", bindings._sigIntHandler);
    for (const onExit of [bindings._exitHandler, current?._socket._exitHandler]) {
      if (onExit !== undefined) process.removeListener("exit", onExit);
    }
  };

  try {
    bindings.start();
  } finally {
    dropProcessListeners();
  }
  const hci = bindings._hci;
  if (hci === null) throw new Error("noble has no HCI layer");

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    const port = hci._socket._serialDevice;
    const isInUse = port !== undefined && (port.isOpen || port.opening || port.closing);
    try {
      bindings.stop();
    } catch {
      // Nothing was open.
    }
    bindings.removeAllListeners();
    // noble took its listeners off; a late error without one would end the process.
    port?.on("error", ignore);
    if (!isInUse) return;
    await new Promise<void>((resolve) => {
      port.once("close", () => resolve());
      // A write that the closing cut off fails while the port is still open, and locked against the next one.
      port.on("error", () => void (port.opening || port.closing || resolve()));
      // noble closes what is open, and forgets what is about to be.
      if (port.opening) port.once("open", () => port.close());
    });
  };

  return { bindings, hci, close };
};
