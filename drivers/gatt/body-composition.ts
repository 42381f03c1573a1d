import { channelId, driverId } from "../../protocol/ids.ts";
import { decodeBodyComposition } from "../decode/body-composition.ts";
import type { SensorDriver } from "../driver.ts";
import { type BodyCompositionMeasured, bodyComposition } from "../normalise/body-composition.ts";
import { createBodyCompositionIntake } from "./body-composition-intake.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { defineProfile } from "./plain-profile.ts";

export const BODY_COMPOSITION_VERSION = "1.0.0";

/** Body Composition service 181B: one measurement (2A9C) in one value or in two. */
const profile = defineProfile<BodyCompositionMeasured>({
  id: driverId("gatt-body-composition"),
  version: BODY_COMPOSITION_VERSION,
  name: "body composition measurement",
  measurements: [channelId("2a9c")],
  decode: (frame) => {
    const decoded = decodeBodyComposition(frame);
    if (decoded.tag === "malformed") return decoded;
    return { tag: "ok", record: { ...decoded.record, isHalf: decoded.record.multiplePacket } };
  },
  createIntake: createBodyCompositionIntake,
  timeOf: (record) => record.time,
  measure: (record) => [bodyComposition(record)],
});

export const createBodyCompositionDriver = (): SensorDriver<BodyCompositionMeasured> => createGattDriver(profile);
