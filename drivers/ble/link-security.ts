import type { Peer } from "./hci-adapter.ts";

/** A connection as the security manager sees it, before any of its data was used. */
export interface UnsecuredLink {
  readonly peer: Peer;
  readonly local: Peer;
  /** Security Manager Protocol, L2CAP channel 6 (Core Vol 3 Part H 3). `receive` replaces the earlier listener. */
  readonly smp: {
    send(bytes: Uint8Array): void;
    receive(listener: (bytes: Uint8Array) => void): void;
  };
  /**
   * Start encryption with a key, as sent: 8 bytes Rand, 2 EDIV, 16 key. Resolves with the HCI status of the Encryption
   * Change (or Key Refresh) that follows: 0 is an encrypted link, 0x06 a sensor that has lost the key. Rejects with the
   * signal's reason, or `ble-disconnected`.
   */
  encrypt(random: Uint8Array, diversifier: Uint8Array, key: Uint8Array, signal: AbortSignal): Promise<number>;
  /** Aborts when the connection is gone. */
  readonly lost: AbortSignal;
}

/**
 * Where bonding comes in. `secure` is called once for each connection, after it is made and before discovery or any
 * other GATT operation of the hub (the exchange of packet sizes, which no sensor protects, is under way). It resolves
 * when the link may be used, and rejects with a HubError (`ble-not-bonded`, `bond-lost`) where it may not: the hub then
 * hangs up. What it listens to on `smp` it hears until the link ends, so that it can answer a later Security Request.
 * Indications that arrive meanwhile are kept. A radio without security uses links as they are.
 */
export interface LinkSecurity {
  secure(link: UnsecuredLink, signal: AbortSignal): Promise<void>;
  /** The address that stays, of an address on the air: itself, or that of the bond whose key resolves it. */
  identityOf(address: string): string;
}
