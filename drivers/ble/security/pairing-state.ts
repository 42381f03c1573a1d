import type { createECDH } from "node:crypto";
import type { Association } from "./association.ts";
import type { PairingAddress } from "./smp-crypto.ts";
import type { IoCapability, PairingFeatures } from "./smp-pdu.ts";

/** What we bring to a pairing. `random` gives cryptographically strong octets. */
export interface PairingPolicy {
  readonly io: IoCapability;
  readonly mitm: boolean;
  readonly secureConnections: boolean;
  readonly local: PairingAddress;
  readonly remote: PairingAddress;
  random(octets: number): Uint8Array;
}

/** Keys that a finished pairing leaves, before they are joined with names and times to a bond. */
export interface PairedKeys {
  readonly ltk: string;
  readonly ediv: number;
  readonly rand: string;
  readonly irk: string | null;
  readonly identity: { readonly address: string; readonly type: "public" | "random" } | null;
  readonly secureConnections: boolean;
  readonly association: Association;
  readonly authenticated: boolean;
}

export type PairingEffect =
  | { readonly tag: "send"; readonly pdu: Uint8Array }
  | { readonly tag: "encrypt"; readonly ltk: Uint8Array }
  | { readonly tag: "ask-passkey" }
  | { readonly tag: "show-passkey"; readonly passkey: number }
  | { readonly tag: "compare"; readonly number: number }
  | { readonly tag: "paired"; readonly keys: PairedKeys | null }
  | { readonly tag: "failed"; readonly reason: string };

export type PairingEvent =
  | { readonly tag: "start" }
  | { readonly tag: "pdu"; readonly bytes: Uint8Array }
  | { readonly tag: "passkey"; readonly passkey: number | null }
  | { readonly tag: "comparison"; readonly equal: boolean }
  | { readonly tag: "encrypted"; readonly status: number };

export interface Agreed {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  readonly theirs: PairingFeatures;
  readonly association: Association;
  readonly secure: boolean;
}

export interface Secrets extends Agreed {
  readonly passkey: number;
}

export interface SecureKeys extends Secrets {
  readonly ourX: Uint8Array;
  readonly theirX: Uint8Array;
  readonly dhKey: Uint8Array;
}

export interface Round extends SecureKeys {
  readonly round: number;
  readonly nonce: Uint8Array;
}

export interface Checked extends SecureKeys {
  readonly na: Uint8Array;
  readonly nb: Uint8Array;
}

export interface Collected {
  readonly ltk: string | null;
  readonly ediv: number;
  readonly rand: string;
  readonly irk: string | null;
  readonly identity: PairedKeys["identity"];
  /** KEYS bits still to come. */
  readonly expected: number;
}

export type PairingState =
  | { readonly tag: "idle" }
  | { readonly tag: "features"; readonly request: Uint8Array }
  | { readonly tag: "passkey"; readonly agreed: Agreed }
  | { readonly tag: "legacy-confirm"; readonly at: Secrets; readonly random: Uint8Array }
  | {
      readonly tag: "legacy-random";
      readonly at: Secrets;
      readonly random: Uint8Array;
      readonly confirm: Uint8Array;
    }
  | { readonly tag: "public-key"; readonly at: Secrets; readonly ecdh: ReturnType<typeof createECDH> }
  | { readonly tag: "secure-confirm"; readonly at: Round }
  | { readonly tag: "secure-random"; readonly at: Round; readonly confirm: Uint8Array }
  | { readonly tag: "comparison"; readonly at: Checked }
  | { readonly tag: "dhkey-check"; readonly at: Checked; readonly ltk: Uint8Array; readonly expected: Uint8Array }
  | { readonly tag: "encrypting"; readonly at: Secrets; readonly collected: Collected }
  | { readonly tag: "keys"; readonly at: Secrets; readonly collected: Collected }
  | { readonly tag: "done" };

export interface PairingStep {
  readonly state: PairingState;
  readonly effects: readonly PairingEffect[];
}
