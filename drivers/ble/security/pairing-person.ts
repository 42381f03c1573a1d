import type { HubError } from "../../../protocol/errors.ts";
import type { IoCapability } from "./smp-pdu.ts";

/** A person at the hub while a pairing window is open: what the hub can show and ask decides the pairing method. */
export interface PairingPerson {
  readonly io: IoCapability;
  /** True where the sensor's catalogue entry demands a passkey or a comparison. */
  readonly mitm: boolean;
  /** Identity address of the enrolled sensor: whoever else answers in the window is not bonded. */
  readonly identity: string;
  /** The sensor is connected, and pairing begins. */
  began(): void;
  showPasskey(passkey: number): void;
  /** Six digits as shown by the sensor; null to give up. */
  askPasskey(signal: AbortSignal): Promise<number | null>;
  compare(number: number, signal: AbortSignal): Promise<boolean>;
  /** The sensor at `address` (as it was on the air) is bonded, or why it is not. Called once for each `began`. */
  ended(address: string, error: HubError | null): void;
}

/** What the hub knows of a sensor before it connects. */
export interface SensorSecurity {
  /** True where the catalogue says that this sensor demands a bonded, encrypted link. */
  readonly bonded: boolean;
  /** True where the catalogue says that its bond must come from a passkey or a comparison. */
  readonly authenticated: boolean;
  /** Name for sentences. */
  readonly name: string;
}
