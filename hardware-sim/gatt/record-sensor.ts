import { type Millis, millis, seconds } from "../../protocol/time.ts";
import type { CharacteristicDefinition } from "./attribute-table.ts";
import { localFromMs, localText } from "./date-time.ts";
import type { DeviceClock } from "./device-clock.ts";
import type { PeripheralConnection } from "./peripheral.ts";
import type { AccessErrors } from "./record-access-codes.ts";
import { ACCESS_POINT, createRecordAccessServer, type RecordAccessServer } from "./record-access-server.ts";
import { NO_RECORD_FAULTS, type RecordFaults } from "./record-faults.ts";
import type { AccessCapabilities } from "./record-filter.ts";
import { createRecordMemory, type RecordPart, type StoredRecord } from "./record-memory.ts";
import { createServiceDatabase } from "./sensor-database.ts";
import { SENSOR_DEFAULTS, type SensorFaults, type SensorOptions } from "./sensor-options.ts";
import { createSensorShell } from "./sensor-shell.ts";
import type { SensorSurroundings } from "./sensor-surroundings.ts";
import type { SimulatedSensor } from "./stored-measurement-sensor.ts";

export interface RecordSensorOptions extends Omit<SensorOptions, "faults"> {
  readonly faults?: Partial<SensorFaults & RecordFaults>;
  /** Between two records of a report. Default 20 ms. */
  readonly recordInterval?: Millis;
}

/** After the last answer the sensor waits longer than one that merely indicates: the hub may ask again. */
const AFTERWARDS = seconds(10);
const RECORD_INTERVAL = millis(20);

/** A sensor that keeps its records and tells them when a central asks for them (Record Access Control Point). */
export interface RecordSensor<V> extends SimulatedSensor<V> {
  readonly truth: readonly StoredRecord<V>[];
  /** Records that a central erased. A hub never may, so anything here is a fault of the hub. */
  readonly erased: readonly StoredRecord<V>[];
  measure(values: V): StoredRecord<V>;
  setFaults(faults: Partial<SensorFaults & RecordFaults>): void;
  /** The battery was out too long: its memory is empty, and its numbers begin again. */
  resetSequence(): void;
}

/** A kind of record sensor. */
export interface RecordProfile<V> {
  readonly service: string;
  readonly record: { readonly uuid: string; readonly push: "notify" | "indicate" };
  /** Beside the records and the control point. */
  readonly characteristics: readonly CharacteristicDefinition[];
  readonly capabilities: AccessCapabilities<StoredRecord<V>>;
  readonly errors: AccessErrors;
  readonly live: boolean;
  /** Goes on advertising when all is told, for the next value of its stream. Default false. */
  readonly worn?: boolean;
  /** Most records in one notification. Default 1. */
  readonly together?: number;
  /** What the sensor writes down: the number that a central can ask for, and what goes out. */
  encode(values: V, index: number): { readonly sequence: number; readonly parts: readonly RecordPart[] };
  /** Its clock as its user reads it. */
  readonly userClock: DeviceClock;
  /** What else the sensor does during a link. */
  connected?(connection: PeripheralConnection): void;
  serve?(connection: PeripheralConnection): Promise<void>;
  /** Runs when the memory is lost. */
  reset?(): void;
}

export const createRecordSensor = <V>(
  profile: RecordProfile<V>,
  options: RecordSensorOptions,
  surroundings: SensorSurroundings,
): RecordSensor<V> => {
  const { clock, chance, bell, tell } = surroundings;
  const { userClock, record: target } = profile;
  const memory = createRecordMemory<V>(options.memory ?? SENSOR_DEFAULTS.memory);
  const security = options.security ?? "open";
  let faults: RecordFaults = { ...NO_RECORD_FAULTS, ...options.faults };
  let access: RecordAccessServer | null = null;
  /** Records since the numbers began. */
  let index = 0;

  const characteristics: readonly CharacteristicDefinition[] = [
    { uuid: target.uuid, properties: [target.push], security },
    ...profile.characteristics,
    {
      uuid: ACCESS_POINT,
      properties: ["write", "indicate"],
      security,
      write: (value) => access?.write(value) ?? null,
    },
  ];
  const service = { uuid: profile.service, characteristics };
  const gatt = createServiceDatabase(service, options, userClock, () => tell({ tag: "clock-set" }));

  const shell = createSensorShell(options, surroundings, {
    service: profile.service,
    gatt,
    connected: (connection) => {
      access = createRecordAccessServer(connection, {
        clock,
        chance,
        bell,
        memory,
        record: target,
        capabilities: profile.capabilities,
        errors: profile.errors,
        recordInterval: options.recordInterval ?? RECORD_INTERVAL,
        afterwards: options.afterwards ?? AFTERWARDS,
        live: profile.live,
        together: profile.together ?? 1,
        faults: () => faults,
        refused: () => {
          faults = { ...faults, refuseAccess: faults.refuseAccess - 1 };
        },
        early: surroundings.faults().earlyIndication,
        dropsSilently: () => surroundings.faults().dropsSilently,
        tell: (tag, id) => tell({ tag, id }),
      });
      profile.connected?.(connection);
    },
    serve: async (connection) => {
      await Promise.all([access?.run(), profile.serve?.(connection)]);
      access = null;
    },
    isDone: () => profile.worn !== true && memory.waiting === 0,
  });

  return {
    options,
    gatt,
    get state() {
      return shell.state;
    },
    truth: memory.truth,
    get erased() {
      return memory.truth.filter(({ deletedAt }) => deletedAt !== null);
    },
    get waiting() {
      return memory.waiting;
    },
    get connections() {
      return shell.connections;
    },
    get clockText() {
      const at = userClock.read();
      return at === null ? null : localText(at);
    },
    measure: (values) => {
      const shown = userClock.readMs();
      const record = memory.store({
        values,
        ...profile.encode(values, index),
        takenAt: clock.now(),
        userFacingMs: shown,
        deviceTime: shown === null ? null : localText(localFromMs(shown)),
      });
      index += 1;
      tell({ tag: "measured", id: record.id });
      shell.wake();
      return record;
    },
    wake: shell.wake,
    setFaults: (changes) => {
      faults = { ...faults, ...changes };
      shell.setFaults(changes);
    },
    resetSequence: () => {
      memory.wipe();
      index = 0;
      profile.reset?.();
    },
    close: shell.close,
    [Symbol.asyncDispose]: shell.close,
  };
};
