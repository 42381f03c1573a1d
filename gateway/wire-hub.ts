import { join } from "node:path";
import { createZones } from "../drivers/normalise/zone.ts";
import { driverOf } from "../drivers/registry.ts";
import { isHubError } from "../protocol/errors.ts";
import { encodeMessage, type HubState } from "../protocol/messages.ts";
import type { Clock } from "../protocol/ports/clock.ts";
import type { Logger } from "../protocol/ports/logger.ts";
import { millis, seconds } from "../protocol/time.ts";
import { topicOf } from "../protocol/topics.ts";
import { createReadingValidator } from "../protocol/validate.ts";
import { assignmentCommand } from "./assignment/assignment-command.ts";
import { openClockAnchor } from "./clock/clock-anchor.ts";
import type { KeptHubTime } from "./clock/hub-time.ts";
import { reportStep } from "./clock/report-step.ts";
import type { TimeFloor } from "./clock/time-floor.ts";
import type { Control } from "./commands/control.ts";
import { createControlPart } from "./commands/control-part.ts";
import { eraseCommand } from "./commands/erase-command.ts";
import { type Enrolments, enrol } from "./config/enrol.ts";
import type { HubConfig } from "./config/hub-config.ts";
import { anchorsPart } from "./credentials/anchors-part.ts";
import { openCredentials } from "./credentials/open-credentials.ts";
import type { ProvenTime } from "./credentials/proven-time.ts";
import { createDiagnosis } from "./diagnosis.ts";
import { pairingCommands } from "./diagnostics/pairing-commands.ts";
import { enrolmentCommands } from "./enrolment/enrolment-commands.ts";
import { openEntries } from "./entry/open-entries.ts";
import { createExchangeableSensors } from "./exchangeable-sensors.ts";
import { createForwarder, type Forwarder } from "./forward/forwarder.ts";
import { createMqttConnector } from "./forward/mqtt-connector.ts";
import { openQuarantine } from "./forward/quarantine.ts";
import { retryCommand } from "./forward/retry-command.ts";
import { createTimeGate } from "./forward/time-gate.ts";
import { createCapacityWatch } from "./health/capacity.ts";
import { hubState, lastWill } from "./health/hub-state.ts";
import type { ProcessHealth } from "./health/process-health.ts";
import { createProcessWatch } from "./health/process-watch.ts";
import { begun, type RunPartsOptions } from "./health/run-parts.ts";
import { SAFE_MODE_SENTENCE, watchOverStarts } from "./health/safe-mode.ts";
import type { ServiceNotify } from "./health/service-notify.ts";
import { createServiceWatch } from "./health/service-watch.ts";
import type { StartCounter } from "./health/start-counter.ts";
import { createEventReporter, type ReportEvent } from "./ingest/event-reporter.ts";
import { createIngest } from "./ingest/ingest.ts";
import { openPlausibility } from "./plausibility/open-plausibility.ts";
import type { Plausibility } from "./plausibility/plausibility.ts";
import { createSensorParts, type SensorParts } from "./sensors.ts";
import type { SqliteOutbox } from "./store/outbox.ts";
import { createCareLeases } from "./updates/care-leases.ts";
import { measuringNow } from "./updates/care-signs.ts";
import { catalogueFolder, type InstalledCatalogue, loadCatalogueOf } from "./updates/catalogue-place.ts";
import { openUpdates } from "./updates/open-updates.ts";
import { HUB_VERSION } from "./version.ts";

export interface HubSurroundings {
  readonly config: HubConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whoever started the hub, and ends it where it gives no sign of life. */
  readonly notify: ServiceNotify;
}

/** Latest ends of the stages of a stop. The link needs 5 s at worst: answers 3 s, goodbye 1 s, closing 1 s. */
const STOP_BY = {
  sensors: seconds(2),
  ingest: millis(3500),
  link: millis(8800),
  diagnostics: seconds(9),
  outbox: seconds(10),
} as const;

export const outboxFolder = ({ hub }: HubConfig): string => join(hub.dataDir, "outbox");
export const startsFile = ({ hub }: HubConfig): string => join(hub.dataDir, "starts.json");

/** What a run of the parts is steered by: the region's commands, and the way to begin it anew. */
export interface Steering {
  readonly control: Control;
  /** Stop the parts, do what is due, and start them again. */
  readonly again: () => void;
  /** Stop the parts and end the process: another release is to run. */
  readonly restart: (isMachine: boolean) => void;
  readonly starts: StartCounter;
  /** Read no sensors. */
  readonly isSafe: boolean;
  /** Where the run puts the time that the region has signed for it. */
  readonly proven: { time: ProvenTime };
}

interface Enrolled {
  readonly enrolments: Enrolments;
  /** The signed catalogue that they go by; null: that of the release, or of the configuration. */
  readonly installed: InstalledCatalogue | null;
}

const enrolAll = async (
  { config, logger }: Pick<HubSurroundings, "config" | "logger">,
  report: ReportEvent,
): Promise<Enrolled> => {
  try {
    const { catalogue, trouble, installed } = await loadCatalogueOf(config);
    const { folder } = config.catalogue;
    if (trouble !== null) report("catalogue-fault", trouble, { path: folder ?? catalogueFolder(config.hub.dataDir) });
    return { enrolments: enrol(config, catalogue, driverOf), installed };
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    logger.error("catalogue not readable, no sensor is read", { code: thrown.code, reason: thrown.message });
    const setAside = config.sensors.map((sensor) => ({ config: sensor, sentence: thrown.message }));
    return { enrolments: { enrolled: [], setAside, models: [] }, installed: null };
  }
};

/** In safe mode. */
const nothingRead = ({ sensors }: HubConfig): Enrolled => ({
  enrolments: {
    enrolled: [],
    setAside: sensors.map((config) => ({ config, sentence: SAFE_MODE_SENTENCE })),
    models: [],
  },
  installed: null,
});

/** Wire the parts of one hub around its open outbox. */
export const wireHub = async (
  { config, clock, logger, notify }: HubSurroundings,
  time: KeptHubTime,
  floor: TimeFloor,
  outbox: SqliteOutbox,
  health: ProcessHealth,
  shedLogs: (isOn: boolean) => void,
  { control, again, restart, starts, isSafe, proven }: Steering,
): Promise<Omit<RunPartsOptions, "clock" | "logger">> => {
  const { hub, region } = config;
  // The link does not wait for what reads the sensors; until that is wired, none of them is ready.
  let sensorParts: SensorParts | null = null;
  const stateOf = (): HubState => {
    const all = sensorParts?.sensors() ?? [];
    return hubState({
      hubId: hub.id,
      version: HUB_VERSION,
      stamp: time.stamp(),
      depth: outbox.depth(),
      certificateEnds: credentials.notAfter(),
      certificateRenewal: credentials.renewalText(),
      health: health.sample(),
      sensors: { configured: config.sensors.length, ready: all.filter(({ trouble }) => trouble === null).length },
    });
  };
  const credentials = await openCredentials({
    config,
    clock,
    time,
    floor: floor.current,
    logger,
    report: (...event) => report(...event),
    random: Math.random,
    connectorWith: (read, openSocket) =>
      createMqttConnector({
        url: region.url,
        ...(region.serverName === null ? {} : { servername: region.serverName }),
        credentials: read,
        hubId: hub.id,
        will: () => ({ topic: topicOf(hub.id, "state"), payload: encodeMessage(lastWill(stateOf())), retain: true }),
        subscriptions: [topicOf(hub.id, "receipt")],
        wishes: [topicOf(hub.id, "desired"), topicOf(hub.id, "echo")],
        clock,
        logger,
        openSocket,
      }),
  });
  proven.time = credentials.provenTime;
  const clockAnchor = await openClockAnchor({
    file: join(hub.dataDir, "clock-anchor.json"),
    time,
    clock,
    logger,
    onAnchored: () => forwarder.wake(),
  });
  const zone = createZones().zone(hub.timeZone);
  const care = createCareLeases({ clock, logger });
  let isReady = false;
  const updates = await openUpdates(
    {
      config,
      time,
      zone,
      depth: () => outbox.depth(),
      crashes: starts.crashes,
      clock,
      logger,
      report: (...event) => report(...event),
      catalogue: () => installed,
      applyCatalogue: async (catalogue, signal) => {
        // In safe mode no sensor is read; the next start goes by it.
        if (!isSafe) await sensors.exchange(enrol(config, catalogue, driverOf), signal);
      },
      credentials: credentials.read,
      sources: () => ({ leases: care, sensors, entries, ingest, forwarder, outbox, isReady: () => isReady }),
      restart,
      onChanged: () => forwarder.reportedChanged(),
    },
    process.env,
  );
  const steered = createControlPart({
    hub: hub.id,
    control,
    outbox,
    commandKeys: region.commandKeys,
    timeGate: createTimeGate({
      time,
      anchor: () => clockAnchor.current(),
      zone,
      publishWithoutTime: region.publishWithoutTime,
    }),
    quarantined: () => forwarder.quarantined(),
    time,
    clock,
    logger,
    report: (...event) => report(...event),
    onDue: again,
    onReportedChanged: () => forwarder.reportedChanged(),
    parts: new Map([["anchors", anchorsPart(credentials.anchors, (...event) => report(...event))], ...updates.parts]),
    updates: updates.reported,
  });
  const forwarder: Forwarder = createForwarder({
    outbox,
    connector: credentials.connector,
    hub: hub.id,
    clock,
    time,
    logger,
    stateOf,
    receipts: region.receipts,
    random: Math.random,
    gate: steered.gate,
    quarantine: await openQuarantine(control.sealedFile("quarantine.sealed"), outbox.series, logger),
    desired: steered.desired,
  });

  const link = begun(forwarder.run);

  const report = createEventReporter({ clock, time, logger, send: forwarder.sendEvent });
  const capacity = createCapacityWatch({
    directory: outboxFolder(config),
    probe: startsFile(config),
    clock,
    logger,
    report,
    onLevel: (level) => shedLogs(level === "reserve"),
  });
  const processWatch = createProcessWatch({ health, clock, report });
  const overStarts = { starts, isSafe, clock, logger, report, leave: again };
  if (outbox.recovered !== null) {
    const { movedTo, skippedTo, sentence } = outbox.recovered;
    report("storage-fault", sentence, { state: "salvaged", path: movedTo, skippedTo });
  }
  const validate = createReadingValidator();
  const plausibility = await openPlausibility(config, outbox, logger);
  const judge: Plausibility["judge"] = (sensor, one) => plausibility.judge(sensor, steered.attribute(one));
  const ingest = createIngest({ outbox, validate, judge, clock, logger, report, onStored: () => forwarder.wake() });
  const { mark } = control.key;
  const { enrolments, installed } = isSafe ? nothingRead(config) : await enrolAll({ config, logger }, report);
  const sensors = await createExchangeableSensors({
    create: (those) =>
      createSensorParts({
        config: isSafe ? { ...config, ble: null } : config,
        enrolments: those,
        ingest,
        report,
        clock,
        time,
        logger,
        mark,
        care,
      }),
    enrolments,
    isMeasuring: () => measuringNow({ leases: care, sensors, entries, ingest }) !== null,
    clock,
  });
  sensorParts = sensors;
  const entries = await openEntries({ config, ingest, validate, time, clock, logger, mark });

  const live = { config, time, health, outbox, ingest, forwarder, credentials, sensors };
  const diagnosis = createDiagnosis({
    config,
    live,
    time,
    clock,
    logger,
    entries,
    commands: [
      assignmentCommand(steered.view),
      ...pairingCommands(sensors.desk),
      ...enrolmentCommands(sensors.guard),
      retryCommand(forwarder),
      eraseCommand({ depth: () => outbox.depth(), erase: steered.erase }),
      ...updates.commands,
    ],
  });

  const ready = diagnosis.askable.then(() => {
    isReady = true;
  });
  const serviceWatch = createServiceWatch({ notify, ready, probe: () => outbox.next(0, 1), clock, logger });

  return {
    askable: ready,
    parts: [
      { part: "sensors", by: STOP_BY.sensors, run: (stop) => sensors.run(stop) },
      { part: "ingest", by: STOP_BY.ingest, end: (late) => ingest.drain(late) },
      { part: "link", by: STOP_BY.link, run: link },
      { part: "commands", by: STOP_BY.link, run: (stop) => steered.run(stop) },
      { part: "credentials", by: STOP_BY.diagnostics, run: (stop) => credentials.run(stop) },
      { part: "console", by: STOP_BY.diagnostics, run: diagnosis.runConsole },
      { part: "diagnostics", by: STOP_BY.diagnostics, run: diagnosis.runSocket },
      { part: "manual entry", by: STOP_BY.diagnostics, run: diagnosis.runEntries },
      { part: "updates", by: STOP_BY.diagnostics, run: updates.run },
      { part: "capacity", by: STOP_BY.diagnostics, run: (stop) => capacity.run(stop) },
      { part: "process", by: STOP_BY.diagnostics, run: (stop) => processWatch.run(stop) },
      { part: "starts", by: STOP_BY.diagnostics, run: (stop) => watchOverStarts(overStarts, stop) },
      { part: "clock", by: STOP_BY.diagnostics, run: (stop) => time.run(stop, (step) => reportStep(step, report)) },
      { part: "time floor", by: STOP_BY.diagnostics, run: (stop) => floor.run(time, stop) },
      { part: "clock anchor", by: STOP_BY.diagnostics, run: (stop) => clockAnchor.run(stop) },
      { part: "supervisor", by: STOP_BY.diagnostics, run: (stop) => serviceWatch.run(stop) },
      { part: "outbox", by: STOP_BY.outbox, end: async () => outbox[Symbol.asyncDispose]() },
    ],
  };
};
