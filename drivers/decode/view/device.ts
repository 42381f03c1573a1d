import { adjustReasons, decodeCurrentTime, decodeDateTime } from "../clock.ts";
import { crcMcrf4xx } from "../crc.ts";
import {
  type DeviceTextField,
  decodeDeviceText,
  decodePnpId,
  decodeSystemId,
  deviceTextFields,
} from "../device-information.ts";
import { decodeFloat, decodeSfloat, type MedicalFloat } from "../float.ts";
import { type DecodedView, shown, timeView } from "./view.ts";

const floatView = (float: MedicalFloat): DecodedView =>
  float.tag === "number" ? { value: float.value, decimals: float.decimals } : { special: float.special };

const currentTime = shown(decodeCurrentTime, (record) => ({
  time: timeView(record.time),
  dayOfWeek: record.dayOfWeek,
  fractions256: record.fractions256,
  adjustReason: record.adjustReason,
  adjustReasons: adjustReasons(record.adjustReason),
  ...(record.dayOfWeekConsistent === null ? {} : { dayOfWeekConsistent: record.dayOfWeekConsistent }),
}));

const textView = (field: DeviceTextField) => shown(decodeDeviceText, (text) => ({ [field]: text }));

const textViews = Object.fromEntries(
  Object.entries(deviceTextFields).map(([characteristic, field]) => [`ble.${characteristic}`, textView(field)]),
);

export const deviceViews = {
  "ble.sfloat": shown(decodeSfloat, floatView),
  "ble.float": shown(decodeFloat, floatView),
  "ble.2a08": shown(decodeDateTime, timeView),
  "ble.2a2b": currentTime,
  "ble.2a23": shown(decodeSystemId, (record) => ({ ...record })),
  "ble.2a50": shown(decodePnpId, (record) => ({ ...record })),
  ...textViews,
  "crc16.mcrf4xx": (bytes: Uint8Array): DecodedView => ({ crc: crcMcrf4xx(bytes) }),
};
