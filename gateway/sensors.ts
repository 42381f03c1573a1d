import { join } from "node:path";
import type { EnrolledSensor, SessionContext } from "../drivers/driver.ts";
import { isHubError } from "../protocol/errors.ts";
import type { AssignmentId, SensorId } from "../protocol/ids.ts";
import type { Clock, HubTime } from "../protocol/ports/clock.ts";
import type { Logger } from "../protocol/ports/logger.ts";
import type { Enrolment, Enrolments, SetAside } from "./config/enrol.ts";
import type { HubConfig } from "./config/hub-config.ts";
import type { RadioView, SensorView, StrangerView } from "./diagnostics/hub-view.ts";
import type { PairingDesk } from "./diagnostics/pairing-desk.ts";
import type { EnrolmentGuard } from "./enrolment/enrolment-guard.ts";
import { openEnrolmentGuard } from "./enrolment/open-guard.ts";
import { createPortWatch } from "./enrolment/port-watch.ts";
import { createStrangers, type Strangers } from "./enrolment/strangers.ts";
import type { ReportEvent } from "./ingest/event-reporter.ts";
import type { Ingest } from "./ingest/ingest.ts";
import { loadNative } from "./load-native.ts";
import { createPairingDesk } from "./radio/pairing-desk.ts";
import { createRadioSource } from "./radio/radio-source.ts";
import { openSensorMemories } from "./sensor-memory.ts";
import type { CareLeases } from "./updates/care-leases.ts";
import { withCare } from "./updates/care-sessions.ts";
import { HUB_VERSION } from "./version.ts";

export interface SensorPartsOptions {
  readonly config: HubConfig;
  readonly enrolments: Enrolments;
  readonly ingest: Ingest;
  readonly report: ReportEvent;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
  /** Stands for an assignment in files. */
  readonly mark: (assignment: AssignmentId) => string;
  /** Told of every measurement that is under way; left out: nobody asks. */
  readonly care?: CareLeases;
}

/** Everything that reads sensors: one radio for those that need it, one supervisor for each serial port. */
export interface SensorParts {
  /** Read until `signal` aborts. Rejects only where an invariant is broken. */
  run(signal: AbortSignal): Promise<void>;
  radio(): RadioView | null;
  sensors(): readonly SensorView[];
  /** Sensors nearby that are not read because they are not enrolled. */
  strangers(): readonly StrangerView[];
  readonly guard: EnrolmentGuard;
  readonly desk: PairingDesk;
}

/** What one way of reading sensors adds to the whole. */
interface Source {
  run(signal: AbortSignal): Promise<void>;
  view(sensor: SensorId): Pick<SensorView, "state" | "seenS" | "trouble"> | null;
}

const secondsSince = (now: number, then: number | null): number | null =>
  then === null ? null : Math.max(0, Math.round((now - then) / 1000));

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

/** Looks for adapters that nobody enrolled, where this hub has anything to do with serial ports at all. */
const createStrangerSource = async (
  { config, enrolments, report, clock, logger }: SensorPartsOptions,
  strangers: Strangers,
): Promise<Source> => {
  const { listPorts } = await import("../drivers/serial/list-ports.ts");
  const entries = enrolments.models;
  const watch = createPortWatch({ config, entries, strangers, list: listPorts, report, clock, logger });
  return { run: (signal) => watch.run(signal), view: () => null };
};

/** Make ready what reads the enrolled sensors. Never rejects for what the machine lacks: that is each sensor's trouble. */
export const createSensorParts = async (options: SensorPartsOptions): Promise<SensorParts> => {
  const { config, enrolments, ingest, report, clock, time, logger } = options;
  const memoryFile = join(config.hub.dataDir, "sensor-memory.json");
  const ours = enrolments.enrolled.map(({ sensor }) => sensor);
  const memories = await openSensorMemories(memoryFile, ours, logger, options.mark);
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
  const { care } = options;
  const told = care === undefined ? enrolments.enrolled : enrolments.enrolled.map((one) => withCare(one, care));
  const guard = await openEnrolmentGuard(config.hub.dataDir, told, report, logger);
  const strangers = createStrangers(clock, setAside);
  const sinkOf: Ingest["sinkOf"] = (id) => (id === null ? strangers.sinkOf(ingest.sinkOf(id)) : ingest.sinkOf(id));
  const { enrolled, admits } = guard;
  const radioOptions = { config, enrolled, sinkOf, report, contextOf, admits };
  const radio =
    config.ble === null ? null : await createRadioSource(config.ble.adapter, { ...radioOptions, clock, time, logger });
  const sources: Source[] = radio === null ? [] : [radio];
  for (const enrolment of enrolled) {
    if (enrolment.entry.transport !== "serial") continue;
    try {
      sources.push(await createSerialSource(options, enrolment, contextOf(enrolment.sensor)));
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      setAside.push({ config: enrolment.config, sentence: thrown.message });
    }
  }
  if (sources.length > (radio === null ? 0 : 1)) sources.push(await createStrangerSource(options, strangers));
  for (const { config: sensor, sentence, code } of setAside) {
    logger.warn("sensor set aside", { sensor: sensor.id, reason: sentence });
    if (code !== undefined) report(code, sentence, { sensor: sensor.id, model: sensor.model });
  }

  const configured = config.sensors.map(({ id }) => id);
  const deskWithoutRadio = createPairingDesk({
    configured,
    sensors: [],
    pairing: null,
    radioTrouble: () => null,
    clock,
  });

  const viewOf = (id: SensorId): ReturnType<Source["view"]> => {
    const replaced = guard.trouble(id);
    if (replaced !== null) return { state: "quarantined", seenS: null, trouble: replaced };
    for (const source of sources) {
      const view = source.view(id);
      if (view !== null) return { ...view, trouble: view.trouble ?? guard.notice(id) };
    }
    const aside = setAside.find(({ config: sensor }) => sensor.id === id);
    return aside === undefined ? null : { state: "set-aside", seenS: null, trouble: aside.sentence };
  };

  return {
    run: async (signal) => {
      await Promise.all(sources.map((source) => source.run(signal)));
    },
    radio: () => radio?.radio() ?? null,
    desk: radio?.desk ?? deskWithoutRadio,
    guard,
    strangers: () =>
      strangers
        .list()
        .map(({ seenAt, ...stranger }) => ({ ...stranger, seenS: secondsSince(clock.elapsed(), seenAt) })),
    sensors: () =>
      config.sensors.map(({ id, model, transport }): SensorView => {
        const storedS = secondsSince(clock.elapsed(), ingest.lastStored(id));
        return { id, model, transport, storedS, ...(viewOf(id) ?? { state: "waiting", seenS: null, trouble: null }) };
      }),
  };
};
