import type { SentPacket } from "../serial/nonin-stream.ts";

/** The hub takes the first reading of a clip when this many valid packets have come in a row. */
export const FIRST_AFTER_PACKETS = 3;
/** And then one for each window of this many: 30 packets are 10 s. */
export const WINDOW_PACKETS = 30;
/** Whatever the hub counted before, a stretch of this many valid packets holds at least one reading. */
const GUARANTEE_PACKETS = FIRST_AFTER_PACKETS + WINDOW_PACKETS;

/**
 * How many readings a hub owes for one clip of a streaming oximeter (Nonin data format 2).
 *
 * The stream is three packets a second of which the hub publishes one for each window. The sensor cannot know which,
 * so what is known here is only what went over the line. A clip splits into stretches: runs of packets that are valid
 * and went whole to a listening hub.
 *
 * - One stretch from the first valid packet to the last: the rule is exact, one reading when the third packet is in
 *   and one each 30 packets after.
 * - More than one (noise, cable, hub killed): how the hub goes on counting is its own matter, but a stretch of 33
 *   packets or more holds at least one reading for each 33. What that is less than the exact rule would give for the
 *   clip counts as interrupted.
 *
 * Which packets the readings come from is checked apart: each reading must be one packet of this oximeter, unaltered,
 * and no packet may appear twice.
 */
export interface ClipDuty {
  readonly owed: number;
  /** What the exact rule would have given without the disturbance, less `owed`. */
  readonly excused: number;
}

const exact = (packets: number): number =>
  packets < FIRST_AFTER_PACKETS ? 0 : 1 + Math.floor((packets - FIRST_AFTER_PACKETS) / WINDOW_PACKETS);

export const dutyOf = (packets: readonly SentPacket[]): ClipDuty => {
  const valid = packets.filter((one) => one.valid);
  const stretches: number[] = [];
  let previous: SentPacket | undefined;
  for (const packet of packets) {
    if (packet.valid && packet.intact) {
      const goesOn = previous?.valid === true && previous.intact;
      if (goesOn) stretches[stretches.length - 1] = (stretches.at(-1) ?? 0) + 1;
      else stretches.push(1);
    }
    previous = packet;
  }
  const full = exact(valid.length);
  if (stretches.length === 1 && stretches[0] === valid.length) return { owed: full, excused: 0 };
  const owed = stretches.reduce((total, length) => total + Math.floor(length / GUARANTEE_PACKETS), 0);
  return { owed, excused: Math.max(0, full - owed) };
};

/** Whether a packet is one at which the exact rule takes a reading, counted in valid packets of its clip. */
export const isWindowEnd = (validSoFar: number): boolean =>
  validSoFar >= FIRST_AFTER_PACKETS && (validSoFar - FIRST_AFTER_PACKETS) % WINDOW_PACKETS === 0;
