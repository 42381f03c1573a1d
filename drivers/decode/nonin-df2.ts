import { type Decoded, decoded, type Framed, malformed } from "../driver.ts";
import { tooLong, tooShort, u8 } from "./field.ts";

/*
 * Nonin serial data format 2: 5-byte frames, 75 a second, 25 frames a packet, three packets a second. Nonin
 * 6470-000-01 (Onyx II 9560, OEM Specification and Technical Information), pages 8 to 11. The Xpod and OEM III modules
 * send the same format.
 */

export const DF2_FRAME_LENGTH = 5;
export const DF2_FRAMES_PER_PACKET = 25;

/** Strength of the pulse signal during a beat; `none` between beats (page 9, table of RPRF and GPRF). */
export type Perfusion = "none" | "green" | "red" | "yellow";

const PERFUSIONS: readonly Perfusion[] = ["none", "green", "red", "yellow"];

/** One frame: 1/75 s of the wave and one byte of the packet. */
export interface NoninDf2Frame {
  /** First frame of a packet. */
  readonly sync: boolean;
  readonly artifact: boolean;
  readonly outOfTrack: boolean;
  /** The finger is out, or the sensor gives no usable data. */
  readonly sensorAlarm: boolean;
  readonly perfusion: Perfusion;
  /** Compressed wave, 0 to 255. */
  readonly pleth: number;
  /** The byte of the packet that this frame carries. */
  readonly value: number;
}

/** One packet, 1/3 s. Percent and beats a minute; null where the sensor says "missing" (127 and 511, page 10). */
export interface NoninDf2Packet {
  readonly pulse: number | null;
  readonly spo2: number | null;
  readonly srev: number;
  /** Thirds of a second, 14 bits. */
  readonly timer: number;
  readonly stat2: number;
  /** High quality measurement of the SmartPoint algorithm. */
  readonly smartPoint: boolean;
  readonly lowBattery: boolean;
  /** 4-beat average for display: holds for 10 s after the finger is out, with `sensorAlarm` set. */
  readonly spo2D: number | null;
  readonly spo2Fast: number | null;
  readonly spo2BB: number | null;
  readonly ePulse: number | null;
  readonly eSpo2: number | null;
  readonly eSpo2D: number | null;
  readonly pulseD: number | null;
  readonly ePulseD: number | null;
  /** Set in any frame of the packet. */
  readonly artifact: boolean;
  readonly outOfTrack: boolean;
  readonly sensorAlarm: boolean;
  /** The worst of the packet's beats: red before yellow before green before none. */
  readonly perfusion: Perfusion;
}

/** Byte 5 is the sum of bytes 1 to 4 modulo 256 (page 11). */
export const df2Checksum = (bytes: Uint8Array, at: number): number =>
  (u8(bytes, at) + u8(bytes, at + 1) + u8(bytes, at + 2) + u8(bytes, at + 3)) & 0xff;

export const decodeNoninDf2Frame = (bytes: Uint8Array): Decoded<NoninDf2Frame> => {
  if (bytes.length < DF2_FRAME_LENGTH) return tooShort("Nonin format 2 frame", DF2_FRAME_LENGTH, bytes.length);
  if (bytes.length > DF2_FRAME_LENGTH) return tooLong("Nonin format 2 frame", DF2_FRAME_LENGTH, bytes.length);
  const status = u8(bytes, 1);
  if (u8(bytes, 0) !== 0x01) return malformed("sync", "Nonin format 2 frame: does not start with 01");
  if ((status & 0x80) === 0) return malformed("sync", "Nonin format 2 frame: bit 7 of the status byte is not set");
  if (df2Checksum(bytes, 0) !== u8(bytes, 4)) {
    return malformed("checksum", "Nonin format 2 frame: byte 5 is not the sum of the others");
  }
  return decoded({
    sync: (status & 0x01) !== 0,
    artifact: (status & 0x20) !== 0,
    outOfTrack: (status & 0x10) !== 0,
    sensorAlarm: (status & 0x08) !== 0,
    perfusion: PERFUSIONS[(status >> 1) & 0x03] ?? "none",
    pleth: u8(bytes, 2),
    value: u8(bytes, 3),
  });
};

const MISSING_PULSE = 511;
const MISSING_SPO2 = 127;

/** Frames are counted from 1 in the document: `pulseFrom(values, 1)` takes frames 1 and 2. */
const pulseFrom = (values: readonly number[], frame: number): number | null => {
  const pulse = (((values[frame - 1] ?? 0) & 0x03) << 7) | ((values[frame] ?? 0) & 0x7f);
  return pulse === MISSING_PULSE ? null : pulse;
};

const spo2From = (values: readonly number[], frame: number): number | null => {
  const spo2 = (values[frame - 1] ?? 0) & 0x7f;
  return spo2 === MISSING_SPO2 ? null : spo2;
};

const SEVERITY: Readonly<Record<Perfusion, number>> = { none: 0, green: 1, yellow: 2, red: 3 };

/** The packet of 25 frames in order, the first with `sync`. */
const packetOf = (frames: readonly NoninDf2Frame[]): NoninDf2Packet => {
  const values = frames.map((frame) => frame.value);
  const stat2 = values[7] ?? 0;
  return {
    pulse: pulseFrom(values, 1),
    spo2: spo2From(values, 3),
    srev: values[3] ?? 0,
    timer: (((values[5] ?? 0) & 0x7f) << 7) | ((values[6] ?? 0) & 0x7f),
    stat2,
    smartPoint: (stat2 & 0x20) !== 0,
    lowBattery: (stat2 & 0x01) !== 0,
    spo2D: spo2From(values, 9),
    spo2Fast: spo2From(values, 10),
    spo2BB: spo2From(values, 11),
    ePulse: pulseFrom(values, 14),
    eSpo2: spo2From(values, 16),
    eSpo2D: spo2From(values, 17),
    pulseD: pulseFrom(values, 20),
    ePulseD: pulseFrom(values, 22),
    artifact: frames.some((frame) => frame.artifact),
    outOfTrack: frames.some((frame) => frame.outOfTrack),
    sensorAlarm: frames.some((frame) => frame.sensorAlarm),
    perfusion: frames.reduce<Perfusion>(
      (worst, frame) => (SEVERITY[frame.perfusion] > SEVERITY[worst] ? frame.perfusion : worst),
      "none",
    ),
  };
};

/** Puts frames together into packets. Feed it everything the df2 framer says, discarded bytes included. */
export interface NoninDf2PacketReader {
  /** The packet that this frame completed, or null. */
  push(framed: Framed): NoninDf2Packet | null;
  /** Frames before the first sync frame. */
  readonly leadingFramesSkipped: number;
  /** Frames after it that belong to no complete packet; those of the packet under way are not counted yet. */
  readonly framesDropped: number;
}

/**
 * A packet is 25 frames in a row: any discarded byte and any early sync frame drops the packet under way, because a
 * packet put together across a gap would put pulse bytes where saturation bytes belong. Holds at most 25 frames.
 */
export const createNoninDf2PacketReader = (): NoninDf2PacketReader => {
  let packet: NoninDf2Frame[] = [];
  let seenSync = false;
  let leading = 0;
  let dropped = 0;
  const drop = (): void => {
    dropped += packet.length;
    packet = [];
  };
  return {
    push: (framed) => {
      const frame = framed.tag === "frame" ? decodeNoninDf2Frame(framed.bytes) : null;
      if (frame?.tag !== "ok") {
        drop();
        return null;
      }
      if (frame.record.sync) {
        drop();
        seenSync = true;
      } else if (packet.length === 0) {
        if (seenSync) dropped += 1;
        else leading += 1;
        return null;
      }
      packet.push(frame.record);
      if (packet.length < DF2_FRAMES_PER_PACKET) return null;
      const complete = packetOf(packet);
      packet = [];
      return complete;
    },
    get leadingFramesSkipped() {
      return leading;
    },
    get framesDropped() {
      return dropped;
    },
  };
};
