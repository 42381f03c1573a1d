/** Attribute protocol opcodes (Core Vol 3 Part F 3.4.8). */
export const ATT = {
  errorResponse: 0x01,
  exchangeMtuRequest: 0x02,
  exchangeMtuResponse: 0x03,
  findInformationRequest: 0x04,
  findInformationResponse: 0x05,
  readByTypeRequest: 0x08,
  readByTypeResponse: 0x09,
  readRequest: 0x0a,
  readResponse: 0x0b,
  readBlobRequest: 0x0c,
  readByGroupTypeRequest: 0x10,
  readByGroupTypeResponse: 0x11,
  writeRequest: 0x12,
  notification: 0x1b,
  indication: 0x1d,
  confirmation: 0x1e,
  writeCommand: 0x52,
} as const;

/** ATT error codes that the hub branches on (Core Vol 3 Part F 3.4.1.1). */
export const ATT_ERROR = {
  requestNotSupported: 0x06,
  invalidOffset: 0x07,
  attributeNotFound: 0x0a,
  attributeNotLong: 0x0b,
} as const;

/** Bit 6 of an opcode: a command, which is never answered (3.3.1). */
const COMMAND_FLAG = 0x40;
/** Default ATT_MTU of LE (Core Vol 3 Part G 5.2.1). */
export const DEFAULT_MTU = 23;

/** Little-endian 16 bits; a missing byte counts as 0. */
export const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

/** An opcode followed by 16-bit parameters. */
export const pdu = (opcode: number, ...words: readonly number[]): Uint8Array =>
  Uint8Array.from([opcode, ...words.flatMap((word) => [word & 0xff, word >> 8])]);

/** What a received PDU is to a client that also has to answer a server's client. */
export type IncomingPdu =
  | { readonly tag: "value"; readonly handle: number; readonly bytes: Uint8Array; readonly indication: boolean }
  | { readonly tag: "response"; readonly to: number; readonly bytes: Uint8Array }
  | { readonly tag: "error"; readonly to: number; readonly handle: number; readonly code: number }
  | { readonly tag: "request"; readonly opcode: number; readonly bytes: Uint8Array }
  | { readonly tag: "ignored" };

/** Takes any bytes. What is too short to be anything, and commands, are `ignored`. */
export const readPdu = (bytes: Uint8Array): IncomingPdu => {
  const opcode = bytes[0];
  if (opcode === undefined || (opcode & COMMAND_FLAG) !== 0 || opcode === ATT.confirmation) return { tag: "ignored" };
  if (opcode === ATT.notification || opcode === ATT.indication) {
    if (bytes.length < 3) return { tag: "ignored" };
    return { tag: "value", handle: u16(bytes, 1), bytes: bytes.slice(3), indication: opcode === ATT.indication };
  }
  if (opcode === ATT.errorResponse) {
    if (bytes.length < 5) return { tag: "ignored" };
    return { tag: "error", to: bytes[1] ?? 0, handle: u16(bytes, 2), code: bytes[4] ?? 0 };
  }
  if (opcode % 2 === 0) return { tag: "request", opcode, bytes };
  return { tag: "response", to: opcode - 1, bytes };
};
