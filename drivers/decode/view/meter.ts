import { decodeOptiumClock } from "../abbott-optium.ts";
import { decodeAstmFrame, decodeAstmHeader, decodeAstmResult } from "../astm.ts";
import { localOf } from "../date-time.ts";
import { decodeLifescanFrame } from "../lifescan-binary.ts";
import { decodeUltra2Line, type Ultra2Record, ultra2Comment } from "../lifescan-ultra2.ts";
import { decodeTaidocDateTime, decodeTaidocFrame, decodeTaidocGlucose } from "../taidoc.ts";
import { type DecodedView, hexOf, numberOf, shown } from "./view.ts";

const ultra2View = (record: Ultra2Record): DecodedView => {
  switch (record.tag) {
    case "reading":
      return {
        record: "reading",
        local: localOf(record.time),
        mgPerDl: record.mgPerDl,
        control: record.control,
        meal: record.meal,
        comment: record.comment,
        commentText: ultra2Comment(record.comment),
        ...(record.parityError ? { parityError: true } : {}),
      };
    case "clock":
      return { record: "clock", local: localOf(record.time) };
    default: {
      const { tag, ...fields } = record;
      return { record: tag, ...fields };
    }
  }
};

const astmResult = shown(decodeAstmResult, (record) => ({
  sequence: record.sequence,
  test: record.test,
  value: record.value === null ? null : numberOf(record.value),
  ...(record.value?.tag === "number" ? { decimals: record.value.decimals } : { valueText: record.valueText }),
  unit: record.unit,
  reference: record.reference,
  flags: record.flags,
  local: record.time === null ? null : localOf(record.time),
}));

export const meterViews = {
  "serial.lifescan.ultra2.line": shown(decodeUltra2Line, ultra2View),
  "serial.lifescan.binary.frame": shown(decodeLifescanFrame, (frame) => ({
    ...frame,
    message: hexOf(frame.message),
  })),
  "serial.taidoc.frame": shown(decodeTaidocFrame, (frame) => ({ ...frame, message: hexOf(frame.message) })),
  "serial.taidoc.datetime": shown(decodeTaidocDateTime, (time) => ({ local: localOf(time) })),
  "serial.taidoc.glucose": shown(decodeTaidocGlucose, (record) => ({ ...record })),
  "serial.astm.frame": shown(decodeAstmFrame, (frame) => ({ ...frame })),
  "serial.astm.result": astmResult,
  "serial.astm.header": shown(decodeAstmHeader, ({ time, ...header }) => ({
    ...header,
    local: time === null ? null : localOf(time),
  })),
  "serial.abbott.optium.clock": shown(decodeOptiumClock, (time) => ({ local: localOf(time) })),
} as const;
