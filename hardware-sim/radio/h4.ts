import { H4 } from "./hci-codes.ts";
import { le16, octets } from "./little-endian.ts";

/** Packet boundary of an ACL packet (Core Vol 4 Part E 5.4.2). */
export const BOUNDARY = { FIRST_NON_FLUSHABLE: 0b00, CONTINUING: 0b01, FIRST_FLUSHABLE: 0b10 } as const;

export type HostPacket =
  | { readonly tag: "command"; readonly opcode: number; readonly parameters: Uint8Array }
  | { readonly tag: "acl"; readonly handle: number; readonly boundary: number; readonly data: Uint8Array };

/** Octets before the payload, and where its length stands, for what a host may send. */
const HEADERS: ReadonlyMap<number, { readonly octets: number; readonly lengthAt: number; readonly wide: boolean }> =
  new Map([
    [H4.COMMAND, { octets: 4, lengthAt: 3, wide: false }],
    [H4.ACL, { octets: 5, lengthAt: 3, wide: true }],
    [H4.SCO, { octets: 4, lengthAt: 3, wide: false }],
    [H4.ISO, { octets: 5, lengthAt: 3, wide: true }],
  ]);

const packetOf = (bytes: Buffer): HostPacket | null => {
  switch (bytes[0]) {
    case H4.COMMAND:
      return { tag: "command", opcode: bytes.readUInt16LE(1), parameters: Uint8Array.from(bytes.subarray(4)) };
    case H4.ACL: {
      const field = bytes.readUInt16LE(1);
      const data = Uint8Array.from(bytes.subarray(5));
      return { tag: "acl", handle: field & 0x0fff, boundary: (field >> 12) & 0b11, data };
    }
    default:
      return null;
  }
};

export interface HostPacketParser {
  /** Packets completed by these bytes. Holds at most one packet (65 540 octets, an ACL length of 16 bits). */
  push(bytes: Uint8Array): readonly HostPacket[];
}

/**
 * Cuts what a host sends over a UART into packets. Synchronous and isochronous data is skipped. An octet that cannot
 * start a packet is skipped, as a controller does that lost synchronisation and waits for a reset (Core Vol 4 Part A 4).
 */
export const createHostPacketParser = (): HostPacketParser => {
  let pending = Buffer.alloc(0);
  return {
    push: (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      const packets: HostPacket[] = [];
      for (;;) {
        const header = HEADERS.get(pending[0] ?? -1);
        if (header === undefined) {
          if (pending.length === 0) return packets;
          pending = pending.subarray(1);
          continue;
        }
        if (pending.length < header.octets) return packets;
        const length = header.wide ? pending.readUInt16LE(header.lengthAt) : pending.readUInt8(header.lengthAt);
        if (pending.length < header.octets + length) return packets;
        const packet = packetOf(pending.subarray(0, header.octets + length));
        pending = pending.subarray(header.octets + length);
        if (packet !== null) packets.push(packet);
      }
    },
  };
};

export const eventPacket = (code: number, parameters: Uint8Array): Uint8Array =>
  octets(H4.EVENT, code, parameters.length, parameters);

export const aclPacket = (handle: number, boundary: number, data: Uint8Array): Uint8Array =>
  octets(H4.ACL, le16((handle & 0x0fff) | (boundary << 12)), le16(data.length), data);
