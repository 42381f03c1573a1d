import type { Arrival } from "../time.ts";
import type { BleLink } from "./transport.ts";

export interface Advertisement {
  /** Lower-case with colons, as advertised. */
  readonly address: string;
  readonly addressType: "public" | "random";
  readonly connectable: boolean;
  /** 16-bit services as four hex digits, 128-bit ones as 32. */
  readonly services: readonly string[];
  readonly rssi: number;
  readonly at: Arrival;
}

export type RadioState = "starting" | "ready" | "absent" | "off" | "wedged";

/** A Bluetooth adapter in the central role. Scanning and connecting exclude each other: the scheduler owns the order. */
export interface BleRadio extends AsyncDisposable {
  readonly state: RadioState;
  /** Why the radio is not ready, as a sentence with the next step; null when it is. */
  readonly trouble: string | null;
  /** Resolves when ready; rejects with HubError `adapter-absent` with the next step. */
  start(signal: AbortSignal): Promise<void>;
  /** Advertisements heard while the iteration runs; scanning stops when it ends. Bounded memory of addresses. */
  scan(signal: AbortSignal): AsyncIterable<Advertisement>;
  /** Connect, encrypt where bonded, discover. Fails with HubError `ble-timeout`, `ble-disconnected`, `bond-lost`. */
  connect(advertisement: Advertisement, signal: AbortSignal): Promise<BleLink>;
}
