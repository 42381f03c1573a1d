import { toHex } from "../../protocol/bytes.ts";
import { readable } from "./device-services.ts";
import type { PeripheralConnection } from "./peripheral.ts";
import {
  type ContinuousOximetry,
  continuousOximetry,
  oximeterFeatures,
  type SpotCheck,
  spotCheckMeasurement,
} from "./pulse-oximetry.ts";
import { ACCESS_OP, ACCESS_OPERATOR, COMMON_ACCESS_ERRORS } from "./record-access-codes.ts";
import { createRecordSensor, type RecordSensor, type RecordSensorOptions } from "./record-sensor.ts";
import { createSensorSurroundings } from "./sensor-surroundings.ts";
import { createValueStream, type StreamedValue } from "./streamed-values.ts";

/** An oximeter: stored spot checks, and a stream while it is on the finger. */
export interface PulseOximeter extends RecordSensor<SpotCheck> {
  /** One value of the stream, which a real one sends about once a second. */
  stream(values: ContinuousOximetry): StreamedValue<ContinuousOximetry>;
  readonly streamed: readonly StreamedValue<ContinuousOximetry>[];
}

/**
 * An oximeter with the Pulse Oximeter Service 1822. A spot check goes out at once to a central that has subscribed
 * to it (2A5E, indicated) and stays in memory for the control point, which knows no operator but "all records" and so
 * no operand (Pulse Oximeter Service 1.0.1, 3.4). Without a subscription the stream (2A5F, notified) goes nowhere.
 */
export const createPulseOximeter = (options: RecordSensorOptions): PulseOximeter => {
  const surroundings = createSensorSurroundings(options);
  const { clock, deviceClock } = surroundings;
  let connection: PeripheralConnection | null = null;
  const stream = createValueStream<ContinuousOximetry>(
    "2a5f",
    (uuid, value) => connection?.gatt.notify(uuid, value) ?? false,
  );
  const security = options.security ?? "open";

  const sensor = createRecordSensor<SpotCheck>(
    {
      service: "1822",
      record: { uuid: "2a5e", push: "indicate" },
      characteristics: [
        { uuid: "2a5f", properties: ["notify"], security },
        readable("2a60", () => oximeterFeatures(deviceClock.read() !== null)),
      ],
      capabilities: {
        operations: new Set([ACCESS_OP.REPORT, ACCESS_OP.DELETE, ACCESS_OP.ABORT, ACCESS_OP.COUNT]),
        operators: new Set([ACCESS_OPERATOR.ALL]),
        filters: new Map(),
      },
      errors: COMMON_ACCESS_ERRORS,
      live: true,
      encode: (check, index) => ({
        sequence: index + 1,
        parts: [{ characteristic: "2a5e", valueHex: toHex(spotCheckMeasurement(check, deviceClock.read())) }],
      }),
      userClock: deviceClock,
      connected: (next) => {
        connection = next;
      },
    },
    options,
    surroundings,
  );
  return Object.assign(sensor, {
    stream: (values: ContinuousOximetry) => stream.push(values, continuousOximetry(values), clock.now()),
    streamed: stream.truth,
  });
};
