import type { SensorId } from "../../protocol/ids.ts";
import type { Millis } from "../../protocol/time.ts";

/** The bond of one sensor, without its keys. What is not known is null: BlueZ keeps that to itself. */
export interface BondView {
  readonly keeper: "hub" | "bluez";
  /** ISO 8601 UTC; also null where the hub had no trusted clock. */
  readonly since: string | null;
  /** For people: `LE Secure Connections, numeric comparison`. */
  readonly method: string | null;
  /** True where a passkey or a comparison protected the pairing against a third party. */
  readonly authenticated: boolean | null;
}

/** How far the pairing of one sensor is. Numbers have six digits. */
export type PairingStage =
  /** No window is open; `sentence` says how the last one ended, null where there was none. */
  | { readonly tag: "closed"; readonly sentence: string | null }
  /** Until the sensor is heard. */
  | { readonly tag: "waiting" }
  | { readonly tag: "pairing" }
  | { readonly tag: "passkey-asked" }
  /** To be typed at the sensor. */
  | { readonly tag: "passkey-shown"; readonly passkey: string }
  | { readonly tag: "comparing"; readonly number: string }
  | { readonly tag: "paired" };

export interface PairingView {
  readonly sensor: SensorId;
  readonly stage: PairingStage;
  /** Until the window closes by itself; null where none is open. */
  readonly leftS: number | null;
  /** Why the last attempt in this window failed; null where none did. */
  readonly failed: string | null;
}

/** What a technician has to do, by the pairing method of the catalogue entry. */
export type PairingMethod = "just-works" | "passkey" | "numeric-comparison";

/**
 * Where a technician pairs sensors. Every call throws HubError: `sensor-unknown` for an id that is not configured,
 * `invalid-argument` for one that is not paired over Bluetooth or where the call does not fit the stage.
 */
export interface PairingDesk {
  methodOf(sensor: string): PairingMethod;
  /** Open a window, or give an open one its full time again. Throws `adapter-absent` where there is no radio to hear it. */
  open(sensor: string): PairingView;
  cancel(sensor: string): PairingView;
  /** The passkey of the sensor: at once where it is asked for, else when it will be in this window. */
  passkey(sensor: string, passkey: number): PairingView;
  confirm(sensor: string, same: boolean): PairingView;
  view(sensor: string): PairingView;
  /** Resolves with the view when it differs from `before`, and after `atMost` in any case. */
  next(before: PairingView, atMost: Millis, signal: AbortSignal): Promise<PairingView>;
  bond(sensor: string): BondView | null;
  /** Remove the bond. Durable when it resolves. */
  forget(sensor: string): Promise<void>;
}
