import type { BleAdapter } from "./adapter.ts";
import { type AdvertisingReport, kindOfExtended, kindOfLegacy } from "./advertising.ts";
import type { AdapterListener, HciAdapter, Peer } from "./hci-adapter.ts";
import { type BindingsClass, type ConnectParameters, openBinding } from "./noble-binding.ts";
import { adoptConnection, type NobleConnection } from "./noble-connection.ts";

/** Largest ATT packet offered to a sensor: one LE data packet of 251 bytes less 4 of L2CAP header. */
export const OFFERED_MTU = 247;

/**
 * Interval 24 to 40 x 1.25 ms = 30 to 50 ms. A sensor may miss connection events for 500 x 10 ms = 5 s before the link
 * counts as lost; noble's default of 420 ms loses a sensor that a hand covers.
 */
const PARAMETERS: Omit<ConnectParameters, "addressType"> = {
  minInterval: 24,
  maxInterval: 40,
  latency: 0,
  timeout: 500,
  mtu: OFFERED_MTU,
};

/** HCI error 0x03, hardware failure: the adapter went, and its connections with it. */
const HARDWARE_FAILURE = 0x03;
/** HCI error 0x16, connection terminated by local host. */
const TERMINATED_HERE = 0x16;
const EVENT_PACKET = 0x04;
const ENCRYPTION_CHANGE = 0x08;
const ENCRYPTION_KEY_REFRESH = 0x30;

const idOf = (address: string): string => address.replaceAll(":", "").toLowerCase();

/** An adapter driven by a noble binding of its own. Throws what noble throws when it cannot even begin. */
export const openNobleAdapter = (Noble: BindingsClass, adapter: BleAdapter, listener: AdapterListener): HciAdapter => {
  const connections = new Map<string, NobleConnection>();
  let attempt: string | null = null;
  let over = false;

  const endConnection = (id: string, reason: number): void => {
    const connection = connections.get(id);
    connections.delete(id);
    connection?.told.ended(reason);
  };

  const fail = (cause: unknown): void => {
    if (over) return;
    over = true;
    for (const id of [...connections.keys()]) endConnection(id, HARDWARE_FAILURE);
    listener.failed(cause instanceof Error ? cause : new Error(String(cause)));
  };

  const endAttempt = (cause: Error | null): void => {
    if (attempt === null || over) return;
    attempt = null;
    listener.attemptEnded(cause);
  };

  const open = openBinding(Noble, adapter, {
    packet: (packet) => {
      if (packet[0] !== EVENT_PACKET || packet.length < 6) return;
      const refreshed = packet[1] === ENCRYPTION_KEY_REFRESH;
      if (!refreshed && packet[1] !== ENCRYPTION_CHANGE) return;
      const handle = packet.readUInt16LE(4) & 0x0fff;
      const status = packet[3] ?? 0;
      const enabled = status === 0 && (refreshed || packet[6] !== 0);
      for (const one of connections.values()) if (one.handle === handle) one.told.encryption(status, enabled);
    },
    state: (before, now) => {
      if (over) return;
      if (now === "poweredOn") listener.up();
      else if (now === "unauthorized") fail(new Error("operation not permitted"));
      else if (now === "unsupported") fail(new Error("it does not do Bluetooth Low Energy"));
      else if (before === "poweredOn") fail(new Error("the port was closed"));
    },
    failed: fail,
  });
  const { bindings, hci } = open;

  const hear = (kind: AdvertisingReport["kind"], address: string, type: string, data: Buffer, rssi: number): void => {
    if (!over) listener.heard({ address, addressType: type === "public" ? "public" : "random", kind, data, rssi });
  };
  // Instead of noble's gap.js, which remembers every address that it ever heard, reports an advertiser only when it
  // was heard twice, and throws on some malformed advertisements.
  hci.removeAllListeners("leAdvertisingReport");
  hci.on("leAdvertisingReport", (_: number, type: number, from: string, fromType: string, data: Buffer, rssi: number) =>
    hear(kindOfLegacy(type), from, fromType, data, rssi),
  );
  hci.removeAllListeners("leExtendedAdvertisingReport");
  hci.on(
    "leExtendedAdvertisingReport",
    (_: number, type: number, from: string, fromType: string, _power: number, rssi: number, data: Buffer) =>
      hear(kindOfExtended(type), from, fromType, data, rssi),
  );
  // Comes after noble's own listener. noble says nothing of an attempt that was cancelled.
  hci.on("leConnComplete", () => {
    if (bindings._pendingConnectionUuid === null) endAttempt(null);
  });

  bindings.on("scanStart", () => !over && listener.scanStarted());
  bindings.on("scanStop", () => !over && listener.scanStopped());
  bindings.on("connect", (id: string, error: Error | null) => {
    if (over) return;
    if (error !== null) return endAttempt(error);
    const connection = adoptConnection(open, id);
    if (connection === null) return endAttempt(new Error("noble does not have the connection that it announced"));
    connections.set(id, connection);
    if (attempt !== id) return connection.disconnect();
    attempt = null;
    listener.connected(connection);
  });
  bindings.on("disconnect", (id: string, reason: number) => {
    for (const memory of [bindings._addresses, bindings._addresseTypes, bindings._connectable, bindings.scannable]) {
      delete memory[id];
    }
    endConnection(id, reason);
  });

  const dropAttempt = (): void => {
    attempt = null;
    bindings._connectionQueue = [];
    bindings._pendingConnectionUuid = null;
    bindings._pendingConnectionAddress = null;
    bindings._pendingConnectionToken = null;
    bindings._cancelledConnectionUuid = null;
    hci._pendingLeConn = null;
    // noble resets the controller before a first connection and connects when that is done.
    hci.removeAllListeners("reset");
  };

  return {
    startScan: () => {
      // Set where an earlier start was never answered; noble would take the scan for running and do nothing.
      bindings._isScanning = false;
      bindings._isScanningStarted = false;
      bindings.startScanning([], true);
    },
    stopScan: () => bindings.stopScanning(),
    connect: (peer: Peer) => {
      attempt = idOf(peer.address);
      bindings.connect(attempt, { ...PARAMETERS, addressType: peer.type });
    },
    cancelConnect: () => {
      if (attempt === null) return;
      const begun = bindings._pendingConnectionUuid === attempt;
      bindings.cancelConnect(attempt);
      if (!begun) endAttempt(null);
    },
    dropAttempt,
    close: async () => {
      over = true;
      for (const id of [...connections.keys()]) endConnection(id, TERMINATED_HERE);
      await open.close();
    },
  };
};
