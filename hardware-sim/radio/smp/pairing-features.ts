import { octets } from "../little-endian.ts";
import { type Association, associationOf, IO_CAPABILITIES, type IoCapability } from "./association.ts";
import { AUTH, KEY_SIZE, KEYS, SMP, SMP_FAILURE } from "./smp-codes.ts";

/** What a device brings to a pairing. */
export interface PairingAbilities {
  readonly io: IoCapability;
  readonly secureConnections: boolean;
  /** Refuses a pairing that a man in the middle could sit in. */
  readonly mitm: boolean;
}

export interface AgreedFeatures {
  readonly association: Association;
  readonly secureConnections: boolean;
  readonly bonding: boolean;
  readonly keySize: number;
  /** Key distribution bits. */
  readonly fromInitiator: number;
  readonly fromResponder: number;
  /** The Pairing Response. */
  readonly response: Uint8Array;
}

export const authReq = ({ mitm, secureConnections }: PairingAbilities): number =>
  AUTH.BONDING | (mitm ? AUTH.MITM : 0) | (secureConnections ? AUTH.SECURE_CONNECTIONS : 0);

const REQUEST_OCTETS = 7;

/** What a Pairing Request and our abilities lead to (Core Vol 3 Part H 2.3.1 to 2.3.5.1), or a failure reason. */
export const agreeOn = (request: Uint8Array, own: PairingAbilities): AgreedFeatures | number => {
  const [, io = 0, , auth = 0, keySize = 0, initiatorKeys = 0, responderKeys = 0] = request;
  const initiatorIo = IO_CAPABILITIES[io];
  if (request.length !== REQUEST_OCTETS || initiatorIo === undefined || keySize > KEY_SIZE.MAX) {
    return SMP_FAILURE.INVALID_PARAMETERS;
  }
  if (keySize < KEY_SIZE.MIN) return SMP_FAILURE.KEY_SIZE;
  const secureConnections = own.secureConnections && (auth & AUTH.SECURE_CONNECTIONS) !== 0;
  const protectedByPerson = own.mitm || (auth & AUTH.MITM) !== 0;
  const association = protectedByPerson ? associationOf(initiatorIo, own.io, secureConnections) : "just-works";
  if (own.mitm && association === "just-works") return SMP_FAILURE.AUTHENTICATION_REQUIREMENTS;
  // With Secure Connections both have computed the long-term key, so none is sent (3.6.1).
  const offered = secureConnections ? KEYS.IDENTITY : KEYS.ENCRYPTION | KEYS.IDENTITY;
  const fromInitiator = initiatorKeys & offered;
  const fromResponder = responderKeys & offered;
  const ownIo = IO_CAPABILITIES.indexOf(own.io);
  return {
    association,
    secureConnections,
    bonding: (auth & AUTH.BONDING) !== 0,
    keySize,
    fromInitiator,
    fromResponder,
    response: octets(SMP.PAIRING_RESPONSE, ownIo, 0, authReq(own), KEY_SIZE.MAX, fromInitiator, fromResponder),
  };
};
