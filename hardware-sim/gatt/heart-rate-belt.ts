import { minutes } from "../../protocol/time.ts";
import { octets } from "../radio/little-endian.ts";
import { ATT_ERROR } from "./att-codes.ts";
import { aborted } from "./bell.ts";
import { readable } from "./device-services.ts";
import type { GattServer } from "./gatt-server.ts";
import { type HeartRateLocation, type HeartRateValues, heartRateMeasurement, locationOctet } from "./heart-rate.ts";
import type { PeripheralConnection } from "./peripheral.ts";
import { createServiceDatabase } from "./sensor-database.ts";
import type { SensorFaults, SensorOptions } from "./sensor-options.ts";
import { createSensorShell } from "./sensor-shell.ts";
import { createSensorSurroundings } from "./sensor-surroundings.ts";
import { createValueStream, type StreamedValue } from "./streamed-values.ts";

export interface HeartRateBeltOptions extends SensorOptions {
  /** Default chest. */
  readonly location?: HeartRateLocation;
}

/** A belt that streams while it is worn. It has no memory: what nobody hears is gone. */
export interface HeartRateBelt extends AsyncDisposable {
  readonly options: SensorOptions;
  readonly gatt: GattServer;
  readonly state: "asleep" | "advertising" | "connected";
  readonly connections: number;
  /** Ground truth, in order of measuring. */
  readonly truth: readonly StreamedValue<HeartRateValues>[];
  /** Kilojoules: times a central set the count back (control point 2A39). */
  readonly energyResets: number;
  /** Put on: it advertises, and again after every link, until it is taken off. */
  wear(): void;
  /** Taken off: it ends its link and is silent. */
  takeOff(): void;
  /** One notification, which a real belt sends about once a second. */
  measure(values: HeartRateValues): StreamedValue<HeartRateValues>;
  setFaults(faults: Partial<SensorFaults>): void;
  close(): Promise<void>;
}

/** Nobody wears a belt longer than 30 days without taking it off. */
const WORN_AT_MOST = minutes(30 * 24 * 60);
/** Reset Energy Expended; every other value is refused with 0x80 (Heart Rate Service 1.0, 3.3). */
const RESET_ENERGY = 0x01;

/** A belt with the Heart Rate Service 180D. */
export const createHeartRateBelt = (options: HeartRateBeltOptions): HeartRateBelt => {
  const surroundings = createSensorSurroundings(options);
  const { clock, deviceClock, tell } = surroundings;
  const security = options.security ?? "open";
  let connection: PeripheralConnection | null = null;
  let takenOff = new AbortController();
  let energyResets = 0;
  const stream = createValueStream<HeartRateValues>(
    "2a37",
    (uuid, value) => connection?.gatt.notify(uuid, value) ?? false,
  );

  const resetEnergy = (value: Uint8Array): number | null => {
    if (value.length !== 1) return ATT_ERROR.INVALID_LENGTH;
    if (value[0] !== RESET_ENERGY) return ATT_ERROR.APPLICATION;
    energyResets += 1;
    return null;
  };

  const service = {
    uuid: "180d",
    characteristics: [
      { uuid: "2a37", properties: ["notify" as const], security },
      readable("2a38", () => octets(locationOctet(options.location ?? "chest"))),
      { uuid: "2a39", properties: ["write" as const], security, write: resetEnergy },
    ],
  };
  const gatt = createServiceDatabase(service, options, deviceClock, () => tell({ tag: "clock-set" }));
  const worn = { advertiseFor: WORN_AT_MOST, ...options };
  const shell = createSensorShell(worn, surroundings, {
    service: service.uuid,
    gatt,
    connected: (next) => {
      connection = next;
    },
    serve: async ({ link, over }) => {
      await aborted(AbortSignal.any([over, takenOff.signal]));
      link.disconnect();
      await aborted(over);
    },
    isDone: () => false,
  });

  return {
    options,
    gatt,
    get state() {
      return shell.state;
    },
    get connections() {
      return shell.connections;
    },
    truth: stream.truth,
    get energyResets() {
      return energyResets;
    },
    wear: () => {
      takenOff = new AbortController();
      shell.wake();
    },
    takeOff: () => {
      takenOff.abort();
      shell.sleep();
    },
    measure: (values) => stream.push(values, heartRateMeasurement(values), clock.now()),
    setFaults: shell.setFaults,
    close: shell.close,
    [Symbol.asyncDispose]: shell.close,
  };
};
