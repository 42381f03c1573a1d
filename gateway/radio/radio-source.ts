import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { SensorAccess } from "../../drivers/ble/sensor-access.ts";
import type { BleEnrolment } from "../../drivers/ble/sensor-session.ts";
import type { EnrolledSensor, ReadingSink, SensorDriver, SessionContext } from "../../drivers/driver.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { BleRadio } from "../../protocol/ports/radio.ts";
import type { Enrolment } from "../config/enrol.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { RadioView, SensorView } from "../diagnostics/hub-view.ts";
import type { PairingDesk } from "../diagnostics/pairing-desk.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { keeperOfBluez, keeperOfStore, openBonds } from "./bond-keeper.ts";
import { createPairingDesk } from "./pairing-desk.ts";
import { createSensorPairing, type PairedSensor, type SensorPairing } from "./sensor-pairing.ts";

export interface RadioSourceOptions {
  readonly config: HubConfig;
  readonly enrolled: readonly Enrolment[];
  readonly sinkOf: (sensor: SensorId | null) => ReadingSink;
  readonly report: ReportEvent;
  readonly contextOf: (sensor: EnrolledSensor) => SessionContext;
  /** False for a sensor that is not to be connected to, whatever its bond says. Default: none is. */
  readonly admits?: (sensor: SensorId) => boolean;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
}

/** The sensors over Bluetooth: read until the signal aborts, and what can be seen and done meanwhile. */
export interface RadioSource {
  run(signal: AbortSignal): Promise<void>;
  radio(): RadioView;
  view(sensor: SensorId): Pick<SensorView, "state" | "seenS" | "trouble"> | null;
  readonly desk: PairingDesk;
}

type Adapter = NonNullable<HubConfig["ble"]>["adapter"];

/** The radio's scheduler has one sink for all: here each session gets its sensor's own, so that the log can name it. */
const withSink = (driver: SensorDriver<unknown>, sink: ReadingSink): SensorDriver<unknown> => ({
  ...driver,
  session: (transport, _shared, context, signal) => driver.session(transport, sink, context, signal),
});

const pairedSensor = ({ config, entry, sensor }: Enrolment): PairedSensor | null => {
  if (config.transport !== "ble" || entry.transport !== "ble") return null;
  const { services } = entry.recognise.ble;
  return { id: sensor.id, address: config.address.toLowerCase(), pairing: entry.pairing, services };
};

const secondsSince = (now: number, then: number | null): number | null =>
  then === null ? null : Math.max(0, Math.round((now - then) / 1000));

/** The radio that fits the adapter, with who may be paired and what is bonded. Each stack is loaded only where it is used. */
const createRadio = async (
  adapter: Adapter,
  sensors: number,
  pairing: SensorPairing,
  options: RadioSourceOptions,
): Promise<{ readonly radio: BleRadio; readonly access: SensorAccess }> => {
  const { clock, time, logger, report } = options;
  const { candidate, security } = pairing;
  const admits = (sensor: SensorId): boolean => options.admits?.(sensor) !== false && pairing.admits(sensor);
  if (adapter.type === "bluez") {
    const { createBluezRadio } = await import("../../drivers/ble/bluez-radio.ts");
    const radio = createBluezRadio({ adapter, clock, time, logger, security });
    pairing.keepBondsIn(keeperOfBluez(radio));
    // BlueZ tells who a bonded sensor is behind its private address.
    return { radio, access: { identityOf: (address) => address, admits, candidate } };
  }
  const { CONNECT_DEADLINE, createNobleRadio, SHARED_CONNECT_DEADLINE } = await import(
    "../../drivers/ble/noble-radio.ts"
  );
  const { createBonding } = await import("../../drivers/ble/security/bonding.ts");
  const store = await openBonds(join(options.config.hub.dataDir, "bonds.json"), report);
  pairing.keepBondsIn(keeperOfStore(store));
  const bonding = createBonding({ store, clock, time, ...security, random: (octets) => randomBytes(octets) });
  const connectDeadline = sensors > 1 ? SHARED_CONNECT_DEADLINE : CONNECT_DEADLINE;
  const radio = createNobleRadio({ adapter, connectDeadline, clock, time, logger, security: bonding });
  return { radio, access: { identityOf: bonding.identityOf, admits, candidate } };
};

/** Sensors over Bluetooth. The adapter may be absent now or later: that is a state, and the others go on. */
export const createRadioSource = async (adapter: Adapter, options: RadioSourceOptions): Promise<RadioSource> => {
  const { sinkOf, clock, time, logger } = options;
  const { createRadioScheduler } = await import("../../drivers/ble/radio-scheduler.ts");
  const { nameOf } = await import("../../drivers/ble/adapter.ts");
  const ours = options.enrolled.filter(({ entry }) => entry.transport === "ble");
  const sensors = ours.map(pairedSensor).filter((one) => one !== null);
  const pairing = createSensorPairing({ sensors, clock, logger, report: options.report });
  const { radio, access } = await createRadio(adapter, ours.length, pairing, options);
  const scheduler = createRadioScheduler({
    radio,
    access,
    sensors: ours.map(
      (one): BleEnrolment => ({
        sensor: one.sensor,
        address: one.config.transport === "ble" ? one.config.address : "",
        driver: withSink(one.driver, sinkOf(one.sensor.id)),
      }),
    ),
    sink: sinkOf(null),
    contextOf: ({ sensor }) => options.contextOf(sensor),
    clock,
    logger,
  });
  const desk = createPairingDesk({
    configured: options.config.sensors.map(({ id }) => id),
    sensors,
    pairing,
    // One that is just starting will hear the sensor in a moment.
    radioTrouble: () => (radio.state === "absent" || radio.state === "wedged" ? radio.trouble : null),
    clock,
  });

  return {
    desk,
    run: async (signal) => {
      try {
        await scheduler.run(signal);
      } finally {
        await radio[Symbol.asyncDispose]();
      }
    },
    radio: () => {
      const { state, trouble } = scheduler.status();
      return { adapter: nameOf(adapter), state, trouble };
    },
    view: (sensor) => {
      const { sensors: lines, trouble } = scheduler.status();
      const one = lines.find((candidate) => candidate.sensor === sensor);
      if (one === undefined) return null;
      const seenS = secondsSince(time.stamp().monoMs, one.lastSeen?.monoMs ?? null);
      if (trouble !== null) return { state: "waiting", seenS, trouble: "waits for the Bluetooth adapter, see radio" };
      const unpaired = pairing.view(sensor);
      if (unpaired !== null) return { ...unpaired, seenS };
      const state = one.phase === "session" ? "connected" : "waiting";
      return { state, seenS, trouble: one.trouble ?? one.lastSession?.trouble ?? null };
    },
  };
};
