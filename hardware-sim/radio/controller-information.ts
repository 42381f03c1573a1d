import { createCipheriv } from "node:crypto";
import { addressOctets, type RadioAddress } from "./address.ts";
import { type Command, type CommandTable, complete } from "./controller-command.ts";
import { COMMAND, SUPPORTED_BITS } from "./hci-codes.ts";
import { le16, octets, reversed } from "./little-endian.ts";
import type { Chance } from "./seeded.ts";

/** Core 5.0 (Assigned Numbers 2.1): data length extension, legacy and extended advertising are all in it. */
const CORE_VERSION = 0x09;
/** "This value has special meaning": the company identifier for test equipment and the unregistered. */
export const NO_COMPANY = 0xffff;

/** LE features (Core Vol 6 Part B 4.6): encryption, data packet length extension, extended advertising. */
const FEATURE_BIT = { ENCRYPTION: 0, DATA_LENGTH: 5, EXTENDED_ADVERTISING: 12 } as const;
/** BR/EDR features page 0 (Core Vol 2 Part C 3.3): BR/EDR not supported (bit 37), LE supported (bit 38). */
const LMP_FEATURES = octets(0, 0, 0, 0, 0b0110_0000, 0, 0, 0);

/** Longest LE data payload, in octets and in microseconds on the 1M PHY (Core Vol 6 Part B 4.5.10). */
export const DATA_LENGTH = { MIN_OCTETS: 27, MIN_TIME: 328, MAX_OCTETS: 251, MAX_TIME: 2120 } as const;

export interface ControllerIdentity {
  readonly address: RadioAddress;
  readonly aclOctets: number;
  readonly aclPackets: number;
  readonly extended: boolean;
  readonly chance: Chance;
}

const bits = (count: number, set: readonly number[]): Uint8Array => {
  const field = new Uint8Array(count);
  for (const bit of set) field[bit >> 3] = (field[bit >> 3] ?? 0) | (1 << (bit & 7));
  return field;
};

export const leFeatures = (extended: boolean): Uint8Array =>
  bits(8, [FEATURE_BIT.ENCRYPTION, FEATURE_BIT.DATA_LENGTH, ...(extended ? [FEATURE_BIT.EXTENDED_ADVERTISING] : [])]);

/** LE Encrypt: AES-128 with key and block least significant octet first (Core Vol 4 Part E 7.8.22). */
const encrypt = (key: Uint8Array, block: Uint8Array): Uint8Array => {
  const cipher = createCipheriv("aes-128-ecb", reversed(key), null).setAutoPadding(false);
  return reversed(cipher.update(reversed(block)));
};

/** Commands that only ask what the controller is, or set what has no effect on a virtual radio. */
export const informationCommands = (identity: ControllerIdentity): CommandTable => {
  let leHost: readonly [number, number] = [0, 0];
  const done: Command = () => complete();
  const supported = [...SUPPORTED_BITS]
    .filter(([opcode]) => identity.extended || opcode < COMMAND.LE_SET_EXTENDED_SCAN_PARAMETERS)
    .map(([, [octet, bit]]) => octet * 8 + bit);

  return new Map<number, Command>([
    [COMMAND.READ_LOCAL_VERSION, () => complete(CORE_VERSION, le16(0), CORE_VERSION, le16(NO_COMPANY), le16(0))],
    [COMMAND.READ_LOCAL_COMMANDS, () => complete(bits(64, supported))],
    [COMMAND.READ_LOCAL_FEATURES, () => complete(LMP_FEATURES)],
    [COMMAND.READ_BUFFER_SIZE, () => complete(le16(identity.aclOctets), 0, le16(identity.aclPackets), le16(0))],
    [COMMAND.READ_BD_ADDR, () => complete(addressOctets(identity.address))],
    [COMMAND.READ_LE_HOST_SUPPORT, () => complete(...leHost)],
    [
      COMMAND.WRITE_LE_HOST_SUPPORT,
      (parameters) => {
        leHost = [parameters.u8(), parameters.u8()];
        return complete();
      },
    ],
    [COMMAND.LE_READ_BUFFER_SIZE, () => complete(le16(identity.aclOctets), identity.aclPackets)],
    [COMMAND.LE_READ_LOCAL_FEATURES, () => complete(leFeatures(identity.extended))],
    [COMMAND.LE_READ_ACCEPT_LIST_SIZE, () => complete(0)],
    [COMMAND.LE_ENCRYPT, (parameters) => complete(encrypt(parameters.take(16), parameters.take(16)))],
    [COMMAND.LE_RAND, () => complete(identity.chance.bytes(8))],
    // Scanning, initiating and central, and nothing as a peripheral: bits 4, 5, 6 and 22.. of 7.8.27.
    [COMMAND.LE_READ_SUPPORTED_STATES, () => complete(bits(8, [4, 5, 6]))],
    [COMMAND.LE_READ_DEFAULT_DATA_LENGTH, () => complete(le16(DATA_LENGTH.MIN_OCTETS), le16(DATA_LENGTH.MIN_TIME))],
    [
      COMMAND.LE_READ_MAX_DATA_LENGTH,
      () =>
        complete(
          le16(DATA_LENGTH.MAX_OCTETS),
          le16(DATA_LENGTH.MAX_TIME),
          le16(DATA_LENGTH.MAX_OCTETS),
          le16(DATA_LENGTH.MAX_TIME),
        ),
    ],
    [COMMAND.SET_EVENT_FILTER, done],
    [COMMAND.SET_HOST_FLOW_CONTROL, done],
    [COMMAND.HOST_BUFFER_SIZE, done],
    [COMMAND.SET_EVENT_MASK_PAGE_2, done],
    [COMMAND.LE_SET_RANDOM_ADDRESS, done],
    [COMMAND.LE_CLEAR_ACCEPT_LIST, done],
    [COMMAND.LE_WRITE_DEFAULT_DATA_LENGTH, done],
    [COMMAND.LE_SET_DEFAULT_PHY, done],
  ]);
};
