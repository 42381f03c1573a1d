import { driverId } from "../../protocol/ids.ts";
import {
  createNoninDf2PacketReader,
  DF2_FRAME_LENGTH,
  DF2_FRAMES_PER_PACKET,
  type NoninDf2Packet,
} from "../decode/nonin-df2.ts";
import { type Decoded, malformed, type SensorDriver } from "../driver.ts";
import { createNoninDf2Framer } from "../framer/nonin-df2.ts";
import { noninStream } from "../normalise/pulse-oximetry.ts";
import { createSerialDriver } from "./serial-driver.ts";
import { IGNORED, type SerialIntake, type SerialProtocol, UNDERSTOOD } from "./serial-protocol.ts";
import { nextWindow, STREAM_START } from "./stream-window.ts";

export const NONIN_STREAM_VERSION = "1.0.0";

const PACKET_LENGTH = DF2_FRAME_LENGTH * DF2_FRAMES_PER_PACKET;

/** A whole packet of 25 frames, as provenance has it. */
const decode = (packet: Uint8Array): Decoded<NoninDf2Packet> => {
  if (packet.length < PACKET_LENGTH) {
    return malformed("truncated", `Nonin format 2 packet: ${PACKET_LENGTH} bytes needed, ${packet.length} found`);
  }
  const reader = createNoninDf2PacketReader();
  for (let at = 0; at < PACKET_LENGTH; at += DF2_FRAME_LENGTH) {
    const record = reader.push({ tag: "frame", bytes: packet.subarray(at, at + DF2_FRAME_LENGTH) });
    if (record !== null && packet.length === PACKET_LENGTH) return { tag: "ok", record };
  }
  return malformed("format", "Nonin format 2 packet: not 25 whole frames, the first with the sync bit");
};

const joined = (frames: readonly Uint8Array[]): Uint8Array => {
  const packet = new Uint8Array(frames.length * DF2_FRAME_LENGTH);
  frames.forEach((frame, index) => {
    packet.set(frame, index * DF2_FRAME_LENGTH);
  });
  return packet;
};

const createIntake = (): SerialIntake<NoninDf2Packet> => {
  const reader = createNoninDf2PacketReader();
  let frames: Uint8Array[] = [];
  let window = STREAM_START;
  return {
    push: (framed) => {
      const record = reader.push(framed);
      if (framed.tag === "discarded") return IGNORED;
      frames = [...frames, framed.bytes].slice(-DF2_FRAMES_PER_PACKET);
      if (record === null) return UNDERSTOOD;
      const next = nextWindow(window, record);
      window = next.window;
      return next.take ? { tag: "reading", record, raw: joined(frames) } : UNDERSTOOD;
    },
  };
};

/** Nonin oximeters and modules that stream data format 2. */
const protocol: SerialProtocol<NoninDf2Packet> = {
  id: driverId("nonin-2"),
  version: NONIN_STREAM_VERSION,
  source: "nonin-2",
  // Three packets, a second of stream.
  unreadableAfter: 3 * PACKET_LENGTH,
  acknowledgement: null,
  clock: null,
  decode,
  createFramer: createNoninDf2Framer,
  createIntake,
  timeOf: () => null,
  measure: noninStream,
};

export const createNoninStreamDriver = (): SensorDriver<NoninDf2Packet> => createSerialDriver(protocol);
