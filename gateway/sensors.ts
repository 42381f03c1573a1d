import { join } from "node:path";
import type { BleEnrolment } from "../drivers/ble/sensor-session.ts";
import type { EnrolledSensor, ReadingSink, SensorDriver, SessionContext } from "../drivers/driver.ts";
import { isHubError } from "../protocol/errors.ts";
import type { SensorId } from "../protocol/ids.ts";
import type { Clock, HubTime } from "../protocol/ports/clock.ts";
import type { Logger } from "../protocol/ports/logger.ts";
import type { BleRadio } from "../protocol/ports/radio.ts";
import type { Enrolment, Enrolments, SetAside } from "./config/enrol.ts";
import type { HubConfig } from "./config/hub-config.ts";
import type { RadioView, SensorView } from "./diagnostics/hub-view.ts";
import type { Ingest } from "./ingest/ingest.ts";
import { loadNative } from "./load-native.ts";
import { openSensorMemories } from "./sensor-memory.ts";
import { HUB_VERSION } from "./version.ts";

export interface SensorPartsOptions {
  readonly config: HubConfig;
  readonly enrolments: Enrolments;
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
}

/** Everything that reads sensors: one radio for those that need it, one supervisor for each serial port. */
export interface SensorParts {
  /** Read until `signal` aborts. Rejects only where an invariant is broken. */
  run(signal: AbortSignal): Promise<void>;
  radio(): RadioView | null;
  sensors(): readonly SensorView[];
}

/** What one way of reading sensors adds to the whole. */
interface Source {
  run(signal: AbortSignal): Promise<void>;
  view(sensor: SensorId): Pick<SensorView, "state" | "seenS" | "trouble"> | null;
}

/** The radio's scheduler has one sink for all: here each session gets its sensor's own, so that the log can name it. */
const withSink = (driver: SensorDriver<unknown>, sink: ReadingSink): SensorDriver<unknown> => ({
  ...driver,
  session: (transport, _shared, context, signal) => driver.session(transport, sink, context, signal),
});

const addressOf = ({ config }: Enrolment): string => (config.transport === "ble" ? config.address : "");

const secondsSince = (now: number, then: number | null): number | null =>
  then === null ? null : Math.max(0, Math.round((now - then) / 1000));

/** The radio that fits the adapter: the hub's own stack, or BlueZ. Each is loaded only where it is used. */
const createRadio = async (
  adapter: NonNullable<HubConfig["ble"]>["adapter"],
  sensors: number,
  parts: Pick<SensorPartsOptions, "clock" | "time" | "logger">,
): Promise<BleRadio> => {
  if (adapter.type === "bluez") {
    const { createBluezRadio } = await import("../drivers/ble/bluez-radio.ts");
    return createBluezRadio({ adapter, ...parts });
  }
  const { CONNECT_DEADLINE, createNobleRadio, SHARED_CONNECT_DEADLINE } = await import("../drivers/ble/noble-radio.ts");
  const connectDeadline = sensors > 1 ? SHARED_CONNECT_DEADLINE : CONNECT_DEADLINE;
  return createNobleRadio({ adapter, connectDeadline, ...parts });
};

/** Sensors over Bluetooth. The adapter may be absent now or later: that is a state, and the others go on. */
const createRadioSource = async (
  options: SensorPartsOptions,
  adapter: NonNullable<HubConfig["ble"]>["adapter"],
  contextOf: (sensor: EnrolledSensor) => SessionContext,
): Promise<Source & { radio(): RadioView }> => {
  const { ingest, clock, time, logger } = options;
  const { createRadioScheduler } = await import("../drivers/ble/radio-scheduler.ts");
  const { nameOf } = await import("../drivers/ble/adapter.ts");
  const ours = options.enrolments.enrolled.filter(({ entry }) => entry.transport === "ble");
  const radio = await createRadio(adapter, ours.length, { clock, time, logger });
  const scheduler = createRadioScheduler({
    radio,
    sensors: ours.map(
      (one): BleEnrolment => ({
        sensor: one.sensor,
        address: addressOf(one),
        driver: withSink(one.driver, ingest.sinkOf(one.sensor.id)),
      }),
    ),
    sink: ingest.sinkOf(null),
    contextOf: ({ sensor }) => contextOf(sensor),
    clock,
    logger,
  });
  return {
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
      const { sensors, trouble } = scheduler.status();
      const one = sensors.find((candidate) => candidate.sensor === sensor);
      if (one === undefined) return null;
      const seenS = secondsSince(time.stamp().monoMs, one.lastSeen?.monoMs ?? null);
      const state = one.phase === "session" ? "connected" : "waiting";
      const waits = trouble === null ? null : "waits for the Bluetooth adapter, see radio";
      return { state, seenS, trouble: waits ?? one.trouble ?? one.lastSession?.trouble ?? null };
    },
  };
};

/** One sensor on a serial port. */
const createSerialSource = async (
  options: SensorPartsOptions,
  enrolment: Enrolment,
  context: SessionContext,
): Promise<Source> => {
  const { config, entry, driver, sensor } = enrolment;
  if (config.transport !== "serial" || entry.transport !== "serial") throw new Error(`${sensor.id} is not serial`);
  const { createSerialSupervisor } = await loadNative(
    "serial ports",
    "serial-absent",
    () => import("../drivers/serial/serial-supervisor.ts"),
  );
  const { ingest, clock } = options;
  const sink = ingest.sinkOf(sensor.id);
  const supervisor = createSerialSupervisor({ port: config.port, line: entry.line, driver, sink, context });
  return {
    run: (signal) => supervisor.run(signal),
    view: (id) => {
      if (id !== sensor.id) return null;
      const { state, fault } = supervisor.status();
      const seenS = secondsSince(clock.elapsed(), ingest.lastHeard(id));
      if (state === "listening") return { state: "connected", seenS, trouble: null };
      return { state: fault === null ? "waiting" : "absent", seenS, trouble: fault?.message ?? null };
    },
  };
};

/** Make ready what reads the enrolled sensors. Never rejects for what the machine lacks: that is each sensor's trouble. */
export const createSensorParts = async (options: SensorPartsOptions): Promise<SensorParts> => {
  const { config, enrolments, ingest, clock, time, logger } = options;
  const memoryFile = join(config.hub.dataDir, "sensor-memory.json");
  const ours = enrolments.enrolled.map(({ sensor }) => sensor);
  const memories = await openSensorMemories(memoryFile, ours, logger);
  const contextOf = (sensor: EnrolledSensor): SessionContext => ({
    sensor,
    hub: { id: config.hub.id, version: HUB_VERSION },
    zone: config.hub.timeZone,
    clock,
    time,
    logger,
    memory: memories.of(sensor.id, sensor.assignment),
  });

  const setAside: SetAside[] = [...enrolments.setAside];
  const radio = config.ble === null ? null : await createRadioSource(options, config.ble.adapter, contextOf);
  const sources: Source[] = radio === null ? [] : [radio];
  for (const enrolment of enrolments.enrolled) {
    if (enrolment.entry.transport !== "serial") continue;
    try {
      sources.push(await createSerialSource(options, enrolment, contextOf(enrolment.sensor)));
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      setAside.push({ config: enrolment.config, sentence: thrown.message });
    }
  }
  for (const { config: sensor, sentence } of setAside) {
    logger.warn("sensor set aside", { sensor: sensor.id, reason: sentence });
  }

  const viewOf = (id: SensorId): ReturnType<Source["view"]> => {
    for (const source of sources) {
      const view = source.view(id);
      if (view !== null) return view;
    }
    const aside = setAside.find(({ config: sensor }) => sensor.id === id);
    return aside === undefined ? null : { state: "set-aside", seenS: null, trouble: aside.sentence };
  };

  return {
    run: async (signal) => {
      await Promise.all(sources.map((source) => source.run(signal)));
    },
    radio: () => radio?.radio() ?? null,
    sensors: () =>
      config.sensors.map(({ id, model, transport }): SensorView => {
        const storedS = secondsSince(clock.elapsed(), ingest.lastStored(id));
        return { id, model, transport, storedS, ...(viewOf(id) ?? { state: "waiting", seenS: null, trouble: null }) };
      }),
  };
};
