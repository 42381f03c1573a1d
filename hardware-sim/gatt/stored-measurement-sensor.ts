import { toHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";
import type { RadioAddress } from "../radio/address.ts";
import { advertisingData, scanResponseData } from "../radio/advertising-data.ts";
import type { Advertiser } from "../radio/air.ts";
import { resolvableAddress } from "../radio/resolvable-address.ts";
import { ATT_ERROR } from "./att-codes.ts";
import { createBell } from "./bell.ts";
import { localText } from "./date-time.ts";
import { createDeviceClock } from "./device-clock.ts";
import type { GattFaults } from "./gatt-connection.ts";
import type { GattServer } from "./gatt-server.ts";
import { createMeasurementMemory, type Measured } from "./measurement-memory.ts";
import { acceptLink, type PeripheralConnection } from "./peripheral.ts";
import { createSensorDatabase, type StoredMeasurementProfile } from "./sensor-database.ts";
import {
  NO_SENSOR_FAULTS,
  SENSOR_DEFAULTS,
  type SensorFaults,
  type SensorHappening,
  type SensorOptions,
} from "./sensor-options.ts";
import { serveCentral } from "./sensor-session.ts";

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
  const { air, address } = options;
  const { clock } = air;
  const memory = createMeasurementMemory<V>(options.memory ?? SENSOR_DEFAULTS.memory);
  const chance = air.chance.fork(`sensor ${address.address}`);
  const bell = createBell();
  const closed = new AbortController();
  let faults: SensorFaults = { ...NO_SENSOR_FAULTS, ...options.faults };
  let left = new AbortController();
  let awakeUntil = 0;
  let state: SimulatedSensor<V>["state"] = "asleep";
  let connections = 0;
  let current: PeripheralConnection | null = null;
  let running: Promise<void> = Promise.resolve();

  const tell = (event: SensorHappening): void => options.observe?.({ ...event, at: clock.now() });

  const deviceClock = createDeviceClock({
    clock,
    zone: options.zone ?? SENSOR_DEFAULTS.zone,
    state: options.clock ?? { tag: "right" },
  });
  const gatt = createSensorDatabase(profile, options, deviceClock, () => tell({ tag: "clock-set" }));

  const gattFaults: GattFaults = {
    errorFor: (operation) => {
      if (operation !== "subscribe" || faults.refuseSubscriptions <= 0) return null;
      faults = { ...faults, refuseSubscriptions: faults.refuseSubscriptions - 1 };
      return ATT_ERROR.APPLICATION;
    },
    answerAfter: () => (faults.mute ? "never" : faults.answerDelay),
  };

  /** What it shows this time. */
  const advertiser = (shown: RadioAddress): Advertiser => ({
    address: shown,
    interval: options.interval ?? SENSOR_DEFAULTS.interval,
    connectable: true,
    data: advertisingData({ services: [profile.service] }),
    scanResponse: scanResponseData({ name: options.name ?? options.identity.model }),
    accept: (link) =>
      acceptLink(link, {
        gatt,
        clock,
        own: shown,
        faults: gattFaults,
        ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
        ...(options.smp === undefined ? {} : { smp: options.smp }),
        subscribed: bell.ring,
        secured: bell.ring,
        connected: (connection) => {
          current = connection;
        },
      }),
  });

  const isAwake = (): boolean => clock.elapsed() < awakeUntil && !faults.absent && !closed.signal.aborted;

  /** Aborts `timeUp` when the sensor has been awake long enough, however often that was put off meanwhile. */
  const watchTime = async (timeUp: AbortController, signal: AbortSignal): Promise<void> => {
    for (let rest = awakeUntil - clock.elapsed(); rest > 0; rest = awakeUntil - clock.elapsed()) {
      await clock.sleep(millis(rest), signal);
    }
    timeUp.abort();
  };

  /** Advertises until a central connects; null when the time is up or the sensor is gone. */
  const findCentral = async (): Promise<PeripheralConnection | null> => {
    const shown = options.irk === undefined ? address : resolvableAddress(options.irk, chance);
    const timeUp = new AbortController();
    const found = new AbortController();
    const stop = AbortSignal.any([timeUp.signal, closed.signal, left.signal]);
    // Rejects only with the abort below.
    const watching = watchTime(timeUp, found.signal).catch(() => undefined);
    try {
      await air.advertise(advertiser(shown), stop);
      return current;
    } catch (thrown) {
      if (stop.aborted) return null;
      throw thrown;
    } finally {
      found.abort();
      await watching;
    }
  };

  const live = async (): Promise<void> => {
    while (isAwake()) {
      state = "advertising";
      tell({ tag: "advertising" });
      const connection = await findCentral();
      if (connection === null) continue;
      state = "connected";
      connections += 1;
      tell({ tag: "connected" });
      await serveCentral(connection, {
        clock,
        chance,
        memory,
        bell,
        measurement: profile.measurement,
        afterwards: options.afterwards ?? SENSOR_DEFAULTS.afterwards,
        faults: () => faults,
        tell: (tag, id) => tell({ tag, id }),
      });
      current = null;
      tell({ tag: "disconnected" });
      // Nothing left to tell, so no reason to go on advertising.
      if (memory.waiting === 0) break;
    }
    state = "asleep";
    tell({ tag: "asleep" });
  };

  const start = (): void => {
    if (state !== "asleep" || !isAwake()) return;
    running = live();
  };

  const wake = (): void => {
    awakeUntil = clock.elapsed() + (options.advertiseFor ?? SENSOR_DEFAULTS.advertiseFor);
    bell.ring();
    start();
  };

  const close = async (): Promise<void> => {
    closed.abort();
    current?.link.vanish();
    await running;
  };

  return {
    options,
    gatt,
    get state() {
      return state;
    },
    truth: memory.truth,
    get waiting() {
      return memory.waiting;
    },
    get connections() {
      return connections;
    },
    get clockText() {
      const at = deviceClock.read();
      return at === null ? null : localText(at);
    },
    measure: (values) => {
      const at = deviceClock.read();
      const record = memory.store({
        values,
        characteristic: profile.measurement,
        valueHex: toHex(profile.encode(values, at)),
        takenAt: clock.now(),
        deviceTime: at === null ? null : localText(at),
      });
      tell({ tag: "measured", id: record.id });
      wake();
      return record;
    },
    wake,
    setFaults: (changes) => {
      const wasAbsent = faults.absent;
      faults = { ...faults, ...changes };
      if (faults.absent && !wasAbsent) {
        left.abort();
        current?.link.vanish();
      } else if (wasAbsent && !faults.absent) {
        left = new AbortController();
        start();
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};
