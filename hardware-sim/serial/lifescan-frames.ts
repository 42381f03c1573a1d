/**
 * The framing of LifeScan's binary meters (UltraEasy, UltraMini, Verio): STX, length of the whole frame, link control,
 * message, ETX, CRC least significant octet first. glucometer-protocols (lifescan/shared-binary-protocol) and the
 * Tidepool uploader (onetouch/oneTouchUltraMini.js) agree on it.
 */
const STX = 0x02;
const ETX = 0x03;
/** STX, length, link control, ETX and two octets of CRC. */
const FRAME_OVERHEAD = 6;

/** Bits of the link control octet. Meters of the Verio family leave it 0. */
export const LINK = { SEND: 0x01, EXPECT: 0x02, ACKNOWLEDGE: 0x04, DISCONNECT: 0x08, MORE: 0x10 } as const;

/** CRC-16 with generator 0x1021 and seed 0xFFFF, most significant bit first (CRC-16/CCITT-FALSE, also IBM-3740). */
export const crc16 = (bytes: Iterable<number>): number => {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? (crc << 1) & 0xffff : ((crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
};

export const lifescanFrame = (link: number, message: Iterable<number> = []): Uint8Array => {
  const body = [...message];
  const frame = [STX, body.length + FRAME_OVERHEAD, link, ...body, ETX];
  const crc = crc16(frame);
  return Uint8Array.from([...frame, crc & 0xff, crc >> 8]);
};

export interface LifescanFrame {
  readonly link: number;
  readonly message: Uint8Array;
}

/** Takes bytes as they come and gives the whole frames; what is spoiled is dropped in silence, as a meter does. */
export const createLifescanReader = (): ((bytes: Uint8Array) => readonly LifescanFrame[]) => {
  let pending: number[] = [];

  /** A frame at the start of what is pending, `wait` for more, or `noise`: the first octet begins no frame. */
  const first = (): LifescanFrame | "wait" | "noise" => {
    const [start, length, link = 0] = pending;
    if (start !== STX) return "noise";
    if (length === undefined) return "wait";
    if (length < FRAME_OVERHEAD) return "noise";
    if (pending.length < length) return "wait";
    const frame = pending.slice(0, length);
    const crc = (frame.at(-2) ?? 0) | ((frame.at(-1) ?? 0) << 8);
    if (frame.at(-3) !== ETX || crc16(frame.slice(0, -2)) !== crc) return "noise";
    return { link, message: Uint8Array.from(frame.slice(3, -3)) };
  };

  return (bytes) => {
    pending.push(...bytes);
    const frames: LifescanFrame[] = [];
    for (let found = first(); pending.length > 0 && found !== "wait"; found = first()) {
      if (found === "noise") pending = pending.slice(1);
      else {
        frames.push(found);
        pending = pending.slice(found.message.length + FRAME_OVERHEAD);
      }
    }
    return frames;
  };
};

export const le32Octets = (value: number): readonly number[] => [
  value & 0xff,
  (value >>> 8) & 0xff,
  (value >>> 16) & 0xff,
  (value >>> 24) & 0xff,
];

export const u16At = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

export const u32At = (bytes: Uint8Array, at: number): number => u16At(bytes, at) + u16At(bytes, at + 2) * 0x10000;
