import type { Association } from "./association.ts";
import { ah } from "./smp-crypto.ts";

/** What makes a sensor ours: the keys that both sides kept when they paired. */
export interface Bond {
  /** Long term key as HCI LE Enable Encryption takes it (LSB first), 32 hex digits. */
  readonly ltk: string;
  /** Encrypted diversifier; 0 with LE Secure Connections. */
  readonly ediv: number;
  /** Random number of the key, 16 hex digits LSB first; zeros with LE Secure Connections. */
  readonly rand: string;
  /** Identity resolving key, LSB first, of a sensor that changes its address; else null. */
  readonly irk: string | null;
  /** The address that stays, lower-case with colons. */
  readonly identity: { readonly address: string; readonly type: "public" | "random" };
  readonly secureConnections: boolean;
  /** How the two sides made sure of each other when they paired. */
  readonly association: Association;
  /** True where a passkey or a comparison protected the pairing against a third party. */
  readonly authenticated: boolean;
  /** ISO 8601 UTC, or null where the hub had no trusted clock. */
  readonly pairedAt: string | null;
}

/** True where an address has the form of a resolvable private address: its two top bits are 01 (Vol 6 Part B, 1.3.2.2). */
export const isResolvable = (address: string): boolean => (Number.parseInt(address.slice(0, 2), 16) & 0xc0) === 0x40;

/** Whether `irk` made this resolvable private address (Vol 6 Part B, 1.3.2.3): its hash part equals ah(irk, prand). */
export const resolves = (irk: string, address: string): boolean => {
  const octets = Uint8Array.from(Buffer.from(address.replaceAll(":", ""), "hex"));
  if (octets.length !== 6 || !isResolvable(address)) return false;
  const key = Uint8Array.from(Buffer.from(irk, "hex")).reverse();
  const hash = ah(key, octets.subarray(0, 3));
  return hash.every((octet, i) => octet === octets[i + 3]);
};
