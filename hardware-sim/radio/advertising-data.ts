import { le16, octets, reversed } from "./little-endian.ts";

/** Most octets of legacy advertising data and of scan response data (Core Vol 6 Part B 2.3.1). */
export const MAX_ADVERTISING_OCTETS = 31;

/** Data types (Bluetooth Assigned Numbers 2.3). */
const TYPE = {
  FLAGS: 0x01,
  SERVICES_16_COMPLETE: 0x03,
  SERVICES_128_COMPLETE: 0x07,
  NAME_SHORTENED: 0x08,
  NAME_COMPLETE: 0x09,
  MANUFACTURER: 0xff,
} as const;

/** LE General Discoverable, BR/EDR not supported (Core Supplement Part A 1.3). */
const FLAGS = 0x06;

export interface AdvertisingContent {
  /** Four hex digits, or 32 for a 128-bit UUID. */
  readonly services?: readonly string[];
  readonly name?: string;
  readonly manufacturer?: { readonly company: number; readonly data: Uint8Array };
}

const structure = (type: number, data: Uint8Array): Uint8Array => octets(data.length + 1, type, data);

const servicesOf = (services: readonly string[]): Uint8Array => {
  const short = services.filter((uuid) => uuid.length === 4).flatMap((uuid) => [...le16(Number.parseInt(uuid, 16))]);
  const long = services.filter((uuid) => uuid.length === 32).flatMap((uuid) => [...reversed(Buffer.from(uuid, "hex"))]);
  return octets(
    short.length > 0 ? structure(TYPE.SERVICES_16_COMPLETE, octets(short)) : [],
    long.length > 0 ? structure(TYPE.SERVICES_128_COMPLETE, octets(long)) : [],
  );
};

const fitting = (what: string, bytes: Uint8Array): Uint8Array => {
  if (bytes.length > MAX_ADVERTISING_OCTETS) {
    throw new RangeError(`${what} of ${bytes.length} octets: at most ${MAX_ADVERTISING_OCTETS} fit`);
  }
  return bytes;
};

/** Payload of ADV_IND: flags, services, manufacturer data. Throws RangeError above 31 octets. */
export const advertisingData = (content: AdvertisingContent): Uint8Array => {
  const { manufacturer } = content;
  return fitting(
    "advertising data",
    octets(
      structure(TYPE.FLAGS, octets(FLAGS)),
      servicesOf(content.services ?? []),
      manufacturer === undefined
        ? []
        : structure(TYPE.MANUFACTURER, octets(le16(manufacturer.company), manufacturer.data)),
    ),
  );
};

/** Payload of SCAN_RSP: the name, shortened where it does not fit. */
export const scanResponseData = ({ name = "" }: AdvertisingContent): Uint8Array => {
  const text = new TextEncoder().encode(name);
  const room = MAX_ADVERTISING_OCTETS - 2;
  return text.length <= room
    ? structure(TYPE.NAME_COMPLETE, text)
    : structure(TYPE.NAME_SHORTENED, text.subarray(0, room));
};
