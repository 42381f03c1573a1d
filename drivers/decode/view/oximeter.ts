import { createNoninDf2Framer } from "../../framer/nonin-df2.ts";
import { decodeContecLive, decodeContecRecorded, isContecMeasurement } from "../contec.ts";
import { localOf } from "../date-time.ts";
import { decodeNoninMessage } from "../nonin-command.ts";
import {
  createNoninDf2PacketReader,
  DF2_FRAME_LENGTH,
  decodeNoninDf2Frame,
  type NoninDf2Packet,
} from "../nonin-df2.ts";
import { decodeNoninDf8 } from "../nonin-df8.ts";
import { decodeNoninDf13 } from "../nonin-df13.ts";
import { type DecodedView, hexOf, leftOver, shown, timeView } from "./view.ts";

/**
 * A whole stretch of format 2. `framingErrors` counts the frames that were lost to noise: octets that are in no frame,
 * in frames' lengths, each gap for itself. `trailing` octets at the end may be the start of the next frame.
 */
const df2Stream = (bytes: Uint8Array): DecodedView => {
  const framer = createNoninDf2Framer();
  const reader = createNoninDf2PacketReader();
  const packets: NoninDf2Packet[] = [];
  let framed = 0;
  let gap = 0;
  let framingErrors = 0;
  const closeGap = (): void => {
    framingErrors += Math.ceil(gap / DF2_FRAME_LENGTH);
    gap = 0;
  };
  for (const piece of framer.push(bytes)) {
    framed += piece.bytes.length;
    if (piece.tag === "frame") closeGap();
    else gap += piece.bytes.length;
    const packet = reader.push(piece);
    if (packet !== null) packets.push(packet);
  }
  closeGap();
  return {
    packets: packets.map((packet) => ({ ...packet })),
    leadingFramesSkipped: reader.leadingFramesSkipped,
    framesDropped: reader.framesDropped,
    framingErrors,
    ...leftOver({ trailing: bytes.length - framed }),
  };
};

const df13 = shown(decodeNoninDf13, ({ time, reservedStatus, trailing, ...record }) => ({
  ...record,
  time: timeView(time),
  local: localOf(time),
  ...(reservedStatus === 0 ? {} : { reservedStatus }),
  ...leftOver({ trailing }),
}));

const noninMessage = shown(decodeNoninMessage, (message) => {
  switch (message.tag) {
    case "ack":
      return { acknowledge: true };
    case "nak":
      return { acknowledge: false };
    case "clock":
      return { opcode: message.opcode, size: message.size, local: localOf(message.time) };
    case "clock-request":
      return { opcode: message.opcode, size: message.size };
    case "set-format": {
      const { opcode, size, dataType, dataFormat } = message;
      return { opcode, size, dataType, dataFormat };
    }
    case "other":
      return { opcode: message.opcode, size: message.size, data: hexOf(message.data) };
  }
});

export const oximeterViews = {
  "serial.nonin.df2.frame": shown(decodeNoninDf2Frame, (frame) => ({ ...frame })),
  "serial.nonin.df2.stream": df2Stream,
  "serial.nonin.df8.frame": shown(decodeNoninDf8, (record) => ({ ...record })),
  "serial.nonin.df13.record": df13,
  "serial.nonin.9560.command": noninMessage,
  "serial.contec.cms50.live": shown(decodeContecLive, (record) => ({
    ...record,
    measurement: isContecMeasurement(record),
  })),
  "serial.contec.cms50.recorded": shown(decodeContecRecorded, (record) => ({
    ...record,
    measurement: isContecMeasurement(record),
  })),
} as const;
