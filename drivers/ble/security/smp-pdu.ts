/* Security Manager Protocol PDUs (Bluetooth Core specification, Vol 3 Part H, 3). Multi-octet fields are LSB first. */

export const SMP_CHANNEL = 0x0006;

export const SMP = {
  pairingRequest: 0x01,
  pairingResponse: 0x02,
  pairingConfirm: 0x03,
  pairingRandom: 0x04,
  pairingFailed: 0x05,
  encryptionInformation: 0x06,
  centralIdentification: 0x07,
  identityInformation: 0x08,
  identityAddressInformation: 0x09,
  signingInformation: 0x0a,
  securityRequest: 0x0b,
  publicKey: 0x0c,
  dhKeyCheck: 0x0d,
  keypressNotification: 0x0e,
} as const;

/** IO capabilities (3.5.1, table 3.4). */
export type IoCapability =
  | "display-only"
  | "display-yes-no"
  | "keyboard-only"
  | "no-input-no-output"
  | "keyboard-display";

const IO_CAPABILITIES: readonly IoCapability[] = [
  "display-only",
  "display-yes-no",
  "keyboard-only",
  "no-input-no-output",
  "keyboard-display",
];

/** AuthReq bits (3.5.1, figure 3.3). */
const AUTH = { bonding: 0x01, mitm: 0x04, secureConnections: 0x08 } as const;

/** Key distribution bits (3.6.1, figure 3.11). */
export const KEYS = { encryption: 0x01, identity: 0x02 } as const;

/** Pairing Request or Response. */
export interface PairingFeatures {
  readonly io: IoCapability;
  readonly oob: boolean;
  readonly bonding: boolean;
  readonly mitm: boolean;
  readonly secureConnections: boolean;
  readonly maxKeySize: number;
  readonly initiatorKeys: number;
  readonly responderKeys: number;
}

export const encodeFeatures = (opcode: 0x01 | 0x02, features: PairingFeatures): Uint8Array =>
  Uint8Array.of(
    opcode,
    IO_CAPABILITIES.indexOf(features.io),
    features.oob ? 1 : 0,
    (features.bonding ? AUTH.bonding : 0) |
      (features.mitm ? AUTH.mitm : 0) |
      (features.secureConnections ? AUTH.secureConnections : 0),
    features.maxKeySize,
    features.initiatorKeys,
    features.responderKeys,
  );

/** Features of a 7-octet Pairing Request or Response; null where a field holds a reserved value or octets miss. */
export const decodeFeatures = (pdu: Uint8Array): PairingFeatures | null => {
  const [, io = 255, oob = 255, auth = 0, maxKeySize = 0, initiatorKeys = 0, responderKeys = 0] = pdu;
  const capability = IO_CAPABILITIES[io];
  if (pdu.length !== 7 || capability === undefined || oob > 1 || maxKeySize < 7 || maxKeySize > 16) return null;
  return {
    io: capability,
    oob: oob === 1,
    bonding: (auth & 0x03) === AUTH.bonding,
    mitm: (auth & AUTH.mitm) !== 0,
    secureConnections: (auth & AUTH.secureConnections) !== 0,
    maxKeySize,
    initiatorKeys,
    responderKeys,
  };
};

/** Exact length of each PDU that a responder may send (3.3). */
export const PDU_LENGTHS: ReadonlyMap<number, number> = new Map([
  [SMP.pairingResponse, 7],
  [SMP.pairingConfirm, 17],
  [SMP.pairingRandom, 17],
  [SMP.pairingFailed, 2],
  [SMP.encryptionInformation, 17],
  [SMP.centralIdentification, 11],
  [SMP.identityInformation, 17],
  [SMP.identityAddressInformation, 8],
  [SMP.signingInformation, 17],
  [SMP.securityRequest, 2],
  [SMP.publicKey, 65],
  [SMP.dhKeyCheck, 17],
  [SMP.keypressNotification, 2],
]);

/** Reasons of Pairing Failed (3.5.5, table 3.7). */
export const FAILURES = {
  passkeyEntryFailed: 0x01,
  authenticationRequirements: 0x03,
  confirmValueFailed: 0x04,
  pairingNotSupported: 0x05,
  encryptionKeySize: 0x06,
  commandNotSupported: 0x07,
  unspecified: 0x08,
  invalidParameters: 0x0a,
  dhKeyCheckFailed: 0x0b,
  numericComparisonFailed: 0x0c,
} as const;

const FAILURE_WORDS: ReadonlyMap<number, string> = new Map([
  [0x01, "the passkey was not entered"],
  [0x02, "out-of-band data is not available"],
  [0x03, "the authentication requirements cannot be met"],
  [0x04, "the confirm value does not match (wrong passkey)"],
  [0x05, "pairing is not supported now"],
  [0x06, "the encryption key is too short"],
  [0x07, "a command is not supported"],
  [0x08, "no reason given"],
  [0x09, "too many attempts; wait before the next one"],
  [0x0a, "invalid parameters"],
  [0x0b, "the DHKey check does not match"],
  [0x0c, "the compared numbers differ"],
  [0x0f, "the key was rejected"],
]);

export const failureWords = (code: number): string =>
  FAILURE_WORDS.get(code) ?? `reason 0x${code.toString(16).padStart(2, "0")}`;
