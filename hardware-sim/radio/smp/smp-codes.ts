/** Command codes (Core Vol 3 Part H 3.3). */
export const SMP = {
  PAIRING_REQUEST: 0x01,
  PAIRING_RESPONSE: 0x02,
  PAIRING_CONFIRM: 0x03,
  PAIRING_RANDOM: 0x04,
  PAIRING_FAILED: 0x05,
  ENCRYPTION_INFORMATION: 0x06,
  CENTRAL_IDENTIFICATION: 0x07,
  IDENTITY_INFORMATION: 0x08,
  IDENTITY_ADDRESS: 0x09,
  SIGNING_INFORMATION: 0x0a,
  SECURITY_REQUEST: 0x0b,
  PUBLIC_KEY: 0x0c,
  DHKEY_CHECK: 0x0d,
  KEYPRESS: 0x0e,
} as const;

/** Reasons of Pairing Failed (Core Vol 3 Part H 3.5.5). */
export const SMP_FAILURE = {
  PASSKEY_ENTRY: 0x01,
  AUTHENTICATION_REQUIREMENTS: 0x03,
  CONFIRM_VALUE: 0x04,
  NOT_SUPPORTED: 0x05,
  KEY_SIZE: 0x06,
  COMMAND_NOT_SUPPORTED: 0x07,
  UNSPECIFIED: 0x08,
  INVALID_PARAMETERS: 0x0a,
  DHKEY_CHECK: 0x0b,
  NUMERIC_COMPARISON: 0x0c,
} as const;

/** AuthReq bits (Core Vol 3 Part H 3.5.1). */
export const AUTH = { BONDING: 0x01, MITM: 0x04, SECURE_CONNECTIONS: 0x08 } as const;

/** Key distribution bits (Core Vol 3 Part H 3.6.1). */
export const KEYS = { ENCRYPTION: 0x01, IDENTITY: 0x02 } as const;

/** Encryption key size in octets (Core Vol 3 Part H 2.3.4). */
export const KEY_SIZE = { MIN: 7, MAX: 16 } as const;
