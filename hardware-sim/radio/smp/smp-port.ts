import type { RadioAddress } from "../address.ts";
import type { KeyRequest, PeripheralLink } from "../air-link.ts";

/** The security side of one link. */
export interface SmpSession {
  /** An SMP PDU from the central. */
  receive(pdu: Uint8Array): void;
  /** The key that LE Start Encryption asks for, least significant octet first; null where there is none. */
  keyFor(request: KeyRequest): Uint8Array | null;
  /** The link is encrypted now. */
  encrypted(): void;
  /** Whether the key in use came from a pairing with a person in it, and the identity of the bonded peer. */
  readonly security: { readonly authenticated: boolean; readonly bond: string | null };
  closed(): void;
}

/** The device's half of the Security Manager. `changed` is called when a bond has been made on this link. */
export interface SmpResponder {
  connect(link: PeripheralLink, own: RadioAddress, changed: () => void): SmpSession;
}
