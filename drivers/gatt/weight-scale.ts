import { channelId, driverId } from "../../protocol/ids.ts";
import { decodeWeight, type WeightRecord } from "../decode/weight.ts";
import type { SensorDriver } from "../driver.ts";
import { bodyWeight } from "../normalise/body-weight.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { defineProfile } from "./plain-profile.ts";

export const WEIGHT_SCALE_VERSION = "1.0.0";

/** A&D scales of some firmware have a characteristic of their own with the layout of 2A9D (catalogue and-uc-352ble). */
const AND_WEIGHT = "234341011fe41eff80cb00ff78297d8b";

/** Weight Scale service 181D. */
const profile = defineProfile<WeightRecord>({
  id: driverId("gatt-weight-scale"),
  version: WEIGHT_SCALE_VERSION,
  name: "weight measurement",
  measurements: [channelId("2a9d"), channelId(AND_WEIGHT)],
  decode: (frame) => decodeWeight(frame),
  timeOf: (record) => record.time,
  measure: (record) => [bodyWeight(record)],
});

export const createWeightScaleDriver = (): SensorDriver<WeightRecord> => createGattDriver(profile);
