import type { Chance } from "../seeded.ts";
import type { Association } from "./association.ts";
import type { LegacyContext } from "./smp-functions.ts";

/** What one pairing is about. Octet strings are most significant first. */
export interface PairingContext extends LegacyContext {
  readonly association: Association;
  readonly chance: Chance;
  /** The six digits, where the association has them; null when the person gives up. */
  passkey(): Promise<number | null>;
  /** Whether the person says that both show the same six digits. */
  compare(shown: number): Promise<boolean>;
  /** Sends a command with its value, which is turned into the octet order of the air. */
  send(code: number, ...values: readonly Uint8Array[]): void;
}

/**
 * What a received command led to: nothing yet, the key that encrypts the link, or a failure reason. `reply` leaves once
 * the key can be asked for, because the initiator may start the encryption upon it.
 */
export type PairingStep =
  | { readonly tag: "waiting" }
  | {
      readonly tag: "key";
      readonly key: Uint8Array;
      readonly reply: { readonly code: number; readonly value: Uint8Array };
    }
  | { readonly tag: "failed"; readonly reason: number };

export const WAITING: PairingStep = { tag: "waiting" };
export const failedWith = (reason: number): PairingStep => ({ tag: "failed", reason });

/** The responder's part from the Pairing Response to the key. */
export interface Pairing {
  /** A command after Pairing Request, with its value in the octet order of the air. */
  receive(code: number, value: Uint8Array): Promise<PairingStep>;
}

export const hasPasskey = (association: Association): boolean =>
  association === "responder-displays" || association === "responder-types" || association === "both-type";

/** A passkey as the 128-bit number that it stands for. */
export const passkeyOctets = (passkey: number): Uint8Array => {
  const octets = new Uint8Array(16);
  new DataView(octets.buffer).setUint32(12, passkey);
  return octets;
};
