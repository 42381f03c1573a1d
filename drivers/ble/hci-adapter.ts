import type { AdvertisingReport } from "./advertising.ts";

/** Peer of a connection, as the controller names it. */
export interface Peer {
  /** Lower-case with colons. */
  readonly address: string;
  readonly type: "public" | "random";
}

/** What happens on one connection. Called in the order in which the controller reported it. */
export interface ConnectionListener {
  /** One whole L2CAP payload on a fixed channel: 4 is ATT, 6 is SMP. Any bytes. */
  pdu(channel: number, bytes: Uint8Array): void;
  /** HCI Encryption Change or Encryption Key Refresh Complete, with its status. */
  encryption(status: number, enabled: boolean): void;
  /** The connection is gone; nothing follows. `reason` is the HCI error code (Core Vol 1 Part F). */
  ended(reason: number): void;
}

/** One LE connection of the adapter in the central role. Nothing is heard before `listen`, and nothing lost either. */
export interface HciConnection {
  readonly peer: Peer;
  readonly local: Peer;
  /** Call once, in the same turn in which the connection was handed out. */
  listen(listener: ConnectionListener): void;
  send(channel: number, bytes: Uint8Array): void;
  /** HCI LE Enable Encryption: 8, 2 and 16 bytes, as sent. */
  encrypt(random: Uint8Array, diversifier: Uint8Array, key: Uint8Array): void;
  /** Ask the controller to end it; `ended` follows. Does nothing when it has ended. */
  disconnect(): void;
  /** End it here although the controller never said so. */
  forget(): void;
}

/** What an adapter tells. After `failed` nothing follows. */
export interface AdapterListener {
  up(): void;
  failed(cause: Error): void;
  scanStarted(): void;
  scanStopped(): void;
  heard(report: AdvertisingReport): void;
  connected(connection: HciConnection): void;
  /** An attempt ended without a connection; null where it was cancelled. */
  attemptEnded(cause: Error | null): void;
}

/** An opened adapter. Commands answer through the listener, or never: deadlines are the caller's. */
export interface HciAdapter {
  startScan(): void;
  stopScan(): void;
  /** One at a time; `connected` or `attemptEnded` follows. Scanning must be off. */
  connect(peer: Peer): void;
  cancelConnect(): void;
  /** Forget an attempt that the controller does not end. */
  dropAttempt(): void;
  /** Ends all connections. Resolves when the port is closed and can be opened again. Idempotent; never rejects. */
  close(): Promise<void>;
}
