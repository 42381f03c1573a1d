import { type Decoded, decoded, malformed } from "../driver.ts";
import { crcCcittFalse } from "./crc.ts";
import { tooLong, tooShort, u8, u16 } from "./field.ts";

/*
 * Frame of LifeScan's binary protocol (OneTouch UltraEasy, UltraMini, Verio): 02, length of the whole frame, link
 * control, message, 03, CRC least significant octet first (LifeScan's protocol document, as glucometerutils applies it).
 * What a message says is for the driver of the meter, and stands on free software: no published frame shows the answer
 * of an UltraEasy to the question for its number of records (05 0F and the count in Tidepool's code).
 */

export const LIFESCAN_STX = 0x02;
export const LIFESCAN_ETX = 0x03;
/** STX, length, link control, ETX and CRC around an empty message. */
export const LIFESCAN_SHORTEST_FRAME = 6;
/** The length is one octet. */
export const LIFESCAN_LONGEST_FRAME = 255;

export interface LifescanFrame {
  readonly length: number;
  readonly linkControl: number;
  readonly more: boolean;
  readonly disconnect: boolean;
  readonly acknowledge: boolean;
  readonly expectReceive: boolean;
  readonly sequenceNumber: boolean;
  readonly message: Uint8Array;
}

const WHAT = "LifeScan frame";

export const decodeLifescanFrame = (bytes: Uint8Array): Decoded<LifescanFrame> => {
  if (bytes.length < LIFESCAN_SHORTEST_FRAME) return tooShort(WHAT, LIFESCAN_SHORTEST_FRAME, bytes.length);
  if (u8(bytes, 0) !== LIFESCAN_STX) return malformed("sync", `${WHAT}: does not start with 02`);
  const length = u8(bytes, 1);
  if (length < LIFESCAN_SHORTEST_FRAME) return malformed("format", `${WHAT}: length octet ${length}`);
  if (bytes.length < length) return tooShort(WHAT, length, bytes.length);
  if (bytes.length > length) return tooLong(WHAT, length, bytes.length);
  if (crcCcittFalse(bytes, 0, length - 2) !== u16(bytes, length - 2)) {
    return malformed("crc", `${WHAT}: CRC does not match`);
  }
  if (u8(bytes, length - 3) !== LIFESCAN_ETX) return malformed("format", `${WHAT}: no 03 before the CRC`);
  const linkControl = u8(bytes, 2);
  return decoded({
    length,
    linkControl,
    more: (linkControl & 0x10) !== 0,
    disconnect: (linkControl & 0x08) !== 0,
    acknowledge: (linkControl & 0x04) !== 0,
    expectReceive: (linkControl & 0x02) !== 0,
    sequenceNumber: (linkControl & 0x01) !== 0,
    message: bytes.slice(3, length - 3),
  });
};
