import { type Millis, millis } from "../../protocol/time.ts";
import type { RadioAddress } from "../radio/address.ts";
import { advertisingData, scanResponseData } from "../radio/advertising-data.ts";
import type { Advertiser } from "../radio/air.ts";
import { resolvableAddress } from "../radio/resolvable-address.ts";
import type { GattServer } from "./gatt-server.ts";
import { acceptLink, type PeripheralConnection } from "./peripheral.ts";
import { SENSOR_DEFAULTS, type SensorFaults, type SensorOptions } from "./sensor-options.ts";
import type { SensorSurroundings } from "./sensor-surroundings.ts";

/** What a sensor is, apart from its life on the radio. */
export interface SensorBehaviour {
  /** Advertised. */
  readonly service: string;
  readonly gatt: GattServer;
  /** Runs when a central has connected, before it may send. */
  connected?(connection: PeripheralConnection): void;
  /** What the sensor does with one central. Resolves when the link is over. */
  serve(connection: PeripheralConnection): Promise<void>;
  /** All is told: no reason to go on advertising after a link. */
  isDone(): boolean;
}

/** A battery sensor's life: asleep, advertising for a while, connected to one central, advertising again or asleep. */
export interface SensorShell {
  readonly state: "asleep" | "advertising" | "connected";
  /** How many times a central connected. */
  readonly connections: number;
  setFaults(changes: Partial<SensorFaults>): void;
  /** Advertises for `advertiseFor` from now on. */
  wake(): void;
  /** Stops advertising at once; a link that stands goes on. */
  sleep(): void;
  /** Battery out: nothing more comes from it. Idempotent. */
  close(): Promise<void>;
}

export const createSensorShell = (
  options: SensorOptions,
  surroundings: SensorSurroundings,
  behaviour: SensorBehaviour,
): SensorShell => {
  const { air, address } = options;
  const { clock, chance, bell, tell, faults, gattFaults } = surroundings;
  const closed = new AbortController();
  let left = new AbortController();
  let awakeUntil = 0;
  let state: SensorShell["state"] = "asleep";
  let connections = 0;
  let current: PeripheralConnection | null = null;
  let running: Promise<void> = Promise.resolve();

  /** What it shows this time. */
  const advertiser = (shown: RadioAddress): Advertiser => ({
    address: shown,
    interval: options.interval ?? SENSOR_DEFAULTS.interval,
    connectable: true,
    data: advertisingData({ services: [behaviour.service] }),
    scanResponse: scanResponseData({ name: options.name ?? options.identity.model }),
    accept: (link) =>
      acceptLink(link, {
        gatt: behaviour.gatt,
        clock,
        own: shown,
        faults: gattFaults,
        ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
        ...(options.smp === undefined ? {} : { smp: options.smp }),
        subscribed: bell.ring,
        secured: bell.ring,
        connected: (connection) => {
          current = connection;
          behaviour.connected?.(connection);
        },
      }),
  });

  const isAwake = (): boolean => clock.elapsed() < awakeUntil && !faults().absent && !closed.signal.aborted;

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
      await behaviour.serve(connection);
      current = null;
      tell({ tag: "disconnected" });
      if (behaviour.isDone()) break;
    }
    state = "asleep";
    tell({ tag: "asleep" });
  };

  const start = (): void => {
    if (state !== "asleep" || !isAwake()) return;
    running = live();
  };

  const advertiseFor: Millis = options.advertiseFor ?? SENSOR_DEFAULTS.advertiseFor;
  /** Ends the advertising under way; `left` serves the next one. */
  const leave = (): void => {
    const leaving = left;
    left = new AbortController();
    leaving.abort();
  };

  return {
    get state() {
      return state;
    },
    get connections() {
      return connections;
    },
    wake: () => {
      awakeUntil = clock.elapsed() + advertiseFor;
      bell.ring();
      start();
    },
    sleep: () => {
      awakeUntil = 0;
      leave();
    },
    setFaults: (changes) => {
      const wasAbsent = faults().absent;
      surroundings.changeFaults(changes);
      const isAbsent = faults().absent;
      if (isAbsent && !wasAbsent) {
        leave();
        current?.link.vanish();
      } else if (wasAbsent && !isAbsent) start();
    },
    close: async () => {
      closed.abort();
      current?.link.vanish();
      await running;
    },
  };
};
