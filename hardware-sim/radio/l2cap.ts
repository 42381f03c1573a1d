import { BOUNDARY } from "./h4.ts";
import { le16, octets } from "./little-endian.ts";

/** Length and channel before the payload (Core Vol 3 Part A 3.1). */
const HEADER_OCTETS = 4;

export interface Frame {
  readonly channel: number;
  readonly payload: Uint8Array;
}

export interface Fragment {
  readonly boundary: number;
  readonly data: Uint8Array;
}

/** Cut a frame into ACL payloads of at most `size` octets, as a controller hands them to its host. */
export const fragmentsOf = ({ channel, payload }: Frame, size: number): readonly Fragment[] => {
  const whole = octets(le16(payload.length), le16(channel), payload);
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, index) => ({
    boundary: index === 0 ? BOUNDARY.FIRST_FLUSHABLE : BOUNDARY.CONTINUING,
    data: whole.subarray(index * size, (index + 1) * size),
  }));
};

export interface Reassembler {
  /** The frame that this fragment completes, or null. Holds at most one frame (64 kB, a length of 16 bits). */
  push(fragment: Fragment): Frame | null;
}

/** Puts frames together again. A continuation without a start, and what exceeds the announced length, is dropped. */
export const createReassembler = (): Reassembler => {
  let parts: Uint8Array[] = [];
  let held = 0;
  const drop = (): null => {
    parts = [];
    held = 0;
    return null;
  };
  return {
    push: ({ boundary, data }) => {
      if (boundary !== BOUNDARY.CONTINUING) drop();
      else if (held === 0) return null;
      parts.push(data);
      held += data.length;
      if (held < HEADER_OCTETS) return null;
      const whole = Buffer.concat(parts);
      const expected = HEADER_OCTETS + whole.readUInt16LE(0);
      if (held < expected) return null;
      const frame = { channel: whole.readUInt16LE(2), payload: Uint8Array.from(whole.subarray(HEADER_OCTETS)) };
      drop();
      return whole.length === expected ? frame : null;
    },
  };
};
