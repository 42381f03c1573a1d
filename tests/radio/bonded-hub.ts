import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createNobleRadio, SHARED_CONNECT_DEADLINE } from "../../drivers/ble/noble-radio.ts";
import { createRadioScheduler, type RadioScheduler } from "../../drivers/ble/radio-scheduler.ts";
import { type BondStore, openBondStore } from "../../drivers/ble/security/bond-store.ts";
import { createBonding } from "../../drivers/ble/security/bonding.ts";
import type { ReadingSink, SensorDriver } from "../../drivers/driver.ts";
import type { PairingDesk } from "../../gateway/diagnostics/pairing-desk.ts";
import { keeperOfStore } from "../../gateway/radio/bond-keeper.ts";
import { createPairingDesk } from "../../gateway/radio/pairing-desk.ts";
import { createSensorPairing, type PairedSensor } from "../../gateway/radio/sensor-pairing.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { toHex } from "../../protocol/bytes.ts";
import { isHubError } from "../../protocol/errors.ts";
import { assignmentId, catalogueId, channelId, driverId, hubId, sensorId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { BleRadio } from "../../protocol/ports/radio.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { silentLogger } from "../support/test-loggers.ts";
import * as hubSide from "./hub-side.ts";

/** The least driver: subscribes, keeps each value and confirms it, until the sensor hangs up. */
const collecting = (measurement: string, keep: (hex: string, address: string) => void): SensorDriver<unknown> => ({
  id: driverId("collect"),
  version: "1.0.0",
  transport: "ble",
  stays: false,
  decode: () => ({ tag: "malformed", reason: "unsupported", detail: "" }),
  normalise: () => [],
  session: async (transport, _sink, _context, signal) => {
    const link = transport as BleLink;
    const stop = (): void => void link[Symbol.asyncDispose]();
    signal.addEventListener("abort", stop, { once: true });
    let readings = 0;
    const take = async (): Promise<void> => {
      for await (const { bytes, confirm } of link.incoming) {
        keep(toHex(bytes), link.address);
        readings += 1;
        confirm();
      }
    };
    const taking = take();
    await link.subscribe(channelId(measurement), signal).catch((thrown: unknown) => {
      if (!isHubError(thrown, "ble-disconnected")) throw thrown;
    });
    // A stack that shows its measurement to be read, too.
    const readable = link.characteristics.find((one) => one.channel === measurement && one.properties.has("read"));
    if (readable !== undefined) {
      keep(toHex(await link.read(readable.channel, signal)), link.address);
      readings += 1;
    }
    await taking;
    signal.removeEventListener("abort", stop);
    return { readings, reason: "disconnected" };
  },
});

export interface TestSensor {
  readonly id: string;
  readonly address: string;
  readonly pairing: PairedSensor["pairing"];
  readonly service: string;
  readonly measurement: string;
}

export const testCuff = (over: Partial<TestSensor> = {}): TestSensor => ({
  id: "cuff",
  address: "c0:26:da:00:00:01",
  pairing: "just-works",
  service: "1810",
  measurement: "2a35",
  ...over,
});

/** What the hub learned; outlives a restart of the hub. */
export interface HubRecord {
  readonly readings: { readonly sensor: string; readonly hex: string; readonly address: string }[];
  readonly reports: { readonly code: string; readonly message: string; readonly detail: object }[];
}

export const emptyRecord = (): HubRecord => ({ readings: [], reports: [] });

export interface BondedHub extends AsyncDisposable {
  readonly desk: PairingDesk;
  readonly store: BondStore;
  readonly radio: BleRadio;
  readonly scheduler: RadioScheduler;
}

export interface BondedHubOptions {
  /** Serial port of the adapter. */
  readonly path: string;
  /** Where `bonds.json` is. */
  readonly folder: string;
  readonly sensors: readonly TestSensor[];
  readonly record: HubRecord;
  readonly clock?: Clock;
  readonly time?: HubTime;
}

/** The hub's radio side as the hub wires it: noble, bond file, pairing windows and scheduler. */
export const startBondedHub = async (options: BondedHubOptions): Promise<BondedHub> => {
  const { path, folder, record, clock = hubSide.clock, time = hubSide.time } = options;
  const logger = silentLogger;
  const report: ReadingSink["report"] = (code, message, detail) => record.reports.push({ code, message, detail });
  const sink: ReadingSink = {
    take: () => Promise.resolve(),
    keepUnreadable: () => Promise.resolve(),
    nextCounter: () => Promise.resolve(1),
    report,
  };
  const sensors: PairedSensor[] = options.sensors.map(({ id, address, pairing, service }) => ({
    id: sensorId(id),
    address,
    pairing,
    services: [service],
  }));
  const store = await openBondStore(join(folder, "bonds.json"), (sentence) => report("bond-lost", sentence, {}));
  const pairing = createSensorPairing({ sensors, clock, logger, report });
  pairing.keepBondsIn(keeperOfStore(store));
  const security = createBonding({ store, clock, time, ...pairing.security, random: (octets) => randomBytes(octets) });
  const adapter = { type: "uart", path, baudRate: 115_200 } as const;
  const radio = createNobleRadio({ adapter, clock, time, logger, security, connectDeadline: SHARED_CONNECT_DEADLINE });
  const scheduler = createRadioScheduler({
    radio,
    access: { identityOf: security.identityOf, admits: pairing.admits, candidate: pairing.candidate },
    sensors: options.sensors.map(({ id, address, measurement }) => ({
      sensor: {
        id: sensorId(id),
        assignment: assignmentId("a-1"),
        catalogue: { id: catalogueId("maker-model"), version: "1" },
        manufacturer: "Maker",
        model: "Model",
        udi: null,
        quirks: [],
      },
      address,
      driver: collecting(measurement, (hex, from) => record.readings.push({ sensor: id, hex, address: from })),
    })),
    sink,
    contextOf: ({ sensor }) => ({
      sensor,
      hub: { id: hubId("hub"), version: "0" },
      zone: "UTC",
      clock,
      time,
      logger,
      memory: createMemorySensorMemory(),
    }),
    clock,
    logger,
  });
  const desk = createPairingDesk({
    configured: options.sensors.map(({ id }) => id),
    sensors,
    pairing,
    radioTrouble: () => null,
    clock,
  });
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  return {
    desk,
    store,
    radio,
    scheduler,
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error("the hub stops"));
      await running;
      await radio[Symbol.asyncDispose]();
    },
  };
};
