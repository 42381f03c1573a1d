import { le16, octets, reversed } from "../radio/little-endian.ts";

/** A UUID as lower-case hex without dashes: four digits for one assigned by the SIG, else 32. */
export type Uuid = string;

/** Bluetooth Base UUID 0000xxxx-0000-1000-8000-00805F9B34FB (Core Vol 3 Part B 2.5.1). */
const BASE_HEAD = "0000";
const BASE_TAIL = "00001000800000805f9b34fb";

/** The shortest form. Throws RangeError for anything but 4 or 32 hex digits. */
export const uuidOf = (text: string): Uuid => {
  const digits = text.replaceAll("-", "").toLowerCase();
  if (!/^([0-9a-f]{4}|[0-9a-f]{32})$/.test(digits)) throw new RangeError(`UUID ${text}: give 4 or 32 hex digits`);
  const isShort = digits.length === 32 && digits.startsWith(BASE_HEAD) && digits.endsWith(BASE_TAIL);
  return isShort ? digits.slice(4, 8) : digits;
};

export const uuidOctets = (uuid: Uuid): Uint8Array =>
  uuid.length === 4 ? octets(le16(Number.parseInt(uuid, 16))) : reversed(Buffer.from(uuid, "hex"));

/** From 2 or 16 octets of the air; null for any other length. */
export const uuidFrom = (bytes: Uint8Array): Uuid | null =>
  bytes.length === 2 || bytes.length === 16 ? uuidOf(Buffer.from(reversed(bytes)).toString("hex")) : null;
