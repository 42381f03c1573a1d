import { toHex } from "../../protocol/bytes.ts";
import { localText } from "./date-time.ts";
import type { GattServer } from "./gatt-server.ts";
import { createMeasurementMemory, type Measured } from "./measurement-memory.ts";
import { createSensorDatabase, indicationsOf, type StoredMeasurementProfile } from "./sensor-database.ts";
import { SENSOR_DEFAULTS, type SensorFaults, type SensorOptions } from "./sensor-options.ts";
import { serveCentral } from "./sensor-session.ts";
import { createSensorShell } from "./sensor-shell.ts";
import { createSensorSurroundings } from "./sensor-surroundings.ts";

/**
 * A battery sensor that stores each measurement, advertises for a while, indicates what it has to the central that
 * subscribes, oldest first, and forgets each when its indication is confirmed. What nobody fetched waits for the next
 * time that it is awake.
 */
export interface SimulatedSensor<V> extends AsyncDisposable {
  readonly options: SensorOptions;
  /** Its database: handles, and the remembered subscriptions of bonded hubs. */
  readonly gatt: GattServer;
  readonly state: "asleep" | "advertising" | "connected";
  /** Ground truth, in order of measuring. */
  readonly truth: readonly Measured<V>[];
  /** Measurements that no central has confirmed and that are still in its memory. */
  readonly waiting: number;
  /** How many times a central connected. */
  readonly connections: number;
  /** What its clock shows, `YYYY-MM-DDTHH:mm:ss`, null without one. */
  readonly clockText: string | null;
  /** The patient uses it: stores a measurement and wakes up. */
  measure(values: V): Measured<V>;
  /** The patient presses its button: wakes up without measuring. */
  wake(): void;
  setFaults(faults: Partial<SensorFaults>): void;
  /** Battery out: nothing more comes from it. Idempotent. */
  close(): Promise<void>;
}

export const createStoredMeasurementSensor = <V>(
  profile: StoredMeasurementProfile<V>,
  options: SensorOptions,
): SimulatedSensor<V> => {
  const surroundings = createSensorSurroundings(options);
  const { clock, chance, bell, deviceClock, faults, tell } = surroundings;
  const memory = createMeasurementMemory<V>(options.memory ?? SENSOR_DEFAULTS.memory);
  const gatt = createSensorDatabase(profile, options, deviceClock, () => tell({ tag: "clock-set" }));
  const shell = createSensorShell(options, surroundings, {
    service: profile.service,
    gatt,
    serve: (connection) =>
      serveCentral(connection, {
        clock,
        chance,
        memory,
        bell,
        measurement: profile.measurement,
        afterwards: options.afterwards ?? SENSOR_DEFAULTS.afterwards,
        faults,
        tell: (tag, id) => tell({ tag, id }),
      }),
    isDone: () => memory.waiting === 0,
  });

  return {
    options,
    gatt,
    get state() {
      return shell.state;
    },
    truth: memory.truth,
    get waiting() {
      return memory.waiting;
    },
    get connections() {
      return shell.connections;
    },
    get clockText() {
      const at = deviceClock.read();
      return at === null ? null : localText(at);
    },
    measure: (values) => {
      const at = deviceClock.read();
      const [first = "", ...following] = indicationsOf(profile.encode(values, at)).map(toHex);
      const record = memory.store({
        values,
        characteristic: profile.measurement,
        valueHex: first,
        followingHex: following,
        takenAt: clock.now(),
        deviceTime: at === null ? null : localText(at),
      });
      tell({ tag: "measured", id: record.id });
      shell.wake();
      return record;
    },
    wake: shell.wake,
    setFaults: shell.setFaults,
    close: shell.close,
    [Symbol.asyncDispose]: shell.close,
  };
};
