import { channelId, driverId } from "../../protocol/ids.ts";
import { decodeWeight, type WeightRecord } from "../decode/weight.ts";
import type { SensorDriver } from "../driver.ts";
import { bodyWeight } from "../normalise/body-weight.ts";
import { createGattDriver } from "./gatt-driver.ts";
import type { GattProfile } from "./profile.ts";

export const WEIGHT_SCALE_VERSION = "1.0.0";

/** A&D scales of some firmware have a characteristic of their own with the layout of 2A9D (catalogue and-uc-352ble). */
const AND_WEIGHT = "234341011fe41eff80cb00ff78297d8b";

/** Weight Scale service 181D. */
const profile: GattProfile<WeightRecord> = {
  id: driverId("gatt-weight-scale"),
  version: WEIGHT_SCALE_VERSION,
  stays: false,
  name: "weight measurement",
  measurements: [channelId("2a9d"), channelId(AND_WEIGHT)],
  statics: [],
  decode: (frame) => decodeWeight(frame),
  complete: (record) => record,
  timeOf: (record) => record.time,
  measure: bodyWeight,
};

export const createWeightScaleDriver = (): SensorDriver<WeightRecord> => createGattDriver(profile);
