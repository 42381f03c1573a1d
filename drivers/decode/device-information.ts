import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooLong, tooShort, u8, u16 } from "./field.ts";

/** Which string of Device Information (DIS 1.1) a characteristic holds. */
export type DeviceTextField = "manufacturer" | "model" | "serial" | "firmware" | "hardware" | "software";

/** Device Information strings by characteristic, lower-case hexadecimal. */
export const deviceTextFields: Readonly<Record<string, DeviceTextField>> = {
  "2a29": "manufacturer",
  "2a24": "model",
  "2a25": "serial",
  "2a26": "firmware",
  "2a27": "hardware",
  "2a28": "software",
};

/** System ID, 0x2A23 (DIS 1.1 section 3.7). */
export interface SystemIdRecord {
  /** EUI-64 as 16 lower-case hex digits, organisation first: the form of readings. */
  readonly systemId: string;
  /** Organisationally unique identifier, 6 hex digits. */
  readonly organisation: string;
  /** Manufacturer's own 40 bits, 10 hex digits. */
  readonly identifier: string;
}

/** PnP ID, 0x2A50 (DIS 1.1 section 3.9). */
export interface PnpIdRecord {
  readonly vendorSource: "bluetooth" | "usb" | "reserved";
  readonly vendor: number;
  readonly product: number;
  readonly version: number;
}

/** A value is one ATT attribute at most (Core specification, volume 3, part F, section 3.2.9). */
const LONGEST_TEXT = 512;

const utf8 = new TextDecoder("utf-8", { fatal: false });

/**
 * A Device Information string: UTF-8, to the first NUL (some sensors send their whole buffer), trimmed. An empty text
 * and bytes that are not text are malformed: identity is never made up of replacement characters.
 */
export const decodeDeviceText = (bytes: Uint8Array): Decoded<string> => {
  if (bytes.length > LONGEST_TEXT) return tooLong("device information text", LONGEST_TEXT, bytes.length);
  const end = bytes.indexOf(0);
  const text = utf8.decode(end < 0 ? bytes : bytes.subarray(0, end)).trim();
  if (text === "") return tooShort("device information text", 1, 0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\ufffd]/.test(text))
    return malformed("format", "device information text: not printable UTF-8");
  return decoded(text);
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** 40 bits of the manufacturer and 24 of the organisation, each least significant byte first. */
export const decodeSystemId = (bytes: Uint8Array): Decoded<SystemIdRecord> => {
  if (bytes.length < 8) return tooShort("system id", 8, bytes.length);
  if (bytes.length > 8) return tooLong("system id", 8, bytes.length);
  const systemId = hex(Uint8Array.from(bytes).reverse());
  return decoded({ systemId, organisation: systemId.slice(0, 6), identifier: systemId.slice(6) });
};

export const decodePnpId = (bytes: Uint8Array): Decoded<PnpIdRecord> => {
  if (bytes.length < 7) return tooShort("PnP id", 7, bytes.length);
  if (bytes.length > 7) return tooLong("PnP id", 7, bytes.length);
  const source = u8(bytes, 0);
  return decoded({
    vendorSource: source === 1 ? "bluetooth" : source === 2 ? "usb" : "reserved",
    vendor: u16(bytes, 1),
    product: u16(bytes, 3),
    version: u16(bytes, 5),
  });
};
