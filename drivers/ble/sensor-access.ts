import type { SensorId } from "../../protocol/ids.ts";
import type { Advertisement } from "../../protocol/ports/radio.ts";

/** Who is behind an advertisement, and whether it may be connected to. Asked for every advertisement: cheap. */
export interface SensorAccess {
  /** The address that stays, of an address on the air. */
  identityOf(address: string): string;
  /** Whether a connection to this sensor now can lead to readings or to a pairing. */
  admits(sensor: SensorId): boolean;
  /** The sensor whose open pairing window an advertiser that nobody knows may be meant by; else null. */
  candidate(advertisement: Advertisement): SensorId | null;
}

/** Every sensor by the address that it advertises. */
export const OPEN_ACCESS: SensorAccess = {
  identityOf: (address) => address,
  admits: () => true,
  candidate: () => null,
};
