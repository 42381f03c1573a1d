/*
 * The hub's own parts, wired as gateway/hub.ts wires them, under the jobs of bench/job.ts: octets of a sensor are
 * decoded, normalised, checked and judged, stored (sealed, fsync) and forwarded to a region that sends receipts.
 * What it measures it reads from the hub's log: `batch sent` is written when the PUBACK came.
 */
import { openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createZones } from "../drivers/normalise/zone.ts";
import { createHubTime } from "../gateway/clock/hub-time.ts";
import { machineBootId, machineSigns, machineZero } from "../gateway/clock/machine-signs.ts";
import { createSystemClock } from "../gateway/clock/system-clock.ts";
import { createForwarder } from "../gateway/forward/forwarder.ts";
import { createMqttConnector } from "../gateway/forward/mqtt-connector.ts";
import { createTimeGate } from "../gateway/forward/time-gate.ts";
import { hubState, lastWill } from "../gateway/health/hub-state.ts";
import { createProcessHealth } from "../gateway/health/process-health.ts";
import { createEventReporter } from "../gateway/ingest/event-reporter.ts";
import { createIngest } from "../gateway/ingest/ingest.ts";
import { createLogOutput } from "../gateway/log/log-output.ts";
import { createPinoLogger } from "../gateway/log/pino-logger.ts";
import { rateLimited } from "../gateway/log/rate-limited.ts";
import { openPlausibility } from "../gateway/plausibility/open-plausibility.ts";
import { openSqliteOutbox } from "../gateway/store/outbox.ts";
import { hubId, type SensorId, sensorId } from "../protocol/ids.ts";
import { encodeMessage, type HubState } from "../protocol/messages.ts";
import { topicOf } from "../protocol/topics.ts";
import { createReadingValidator } from "../protocol/validate.ts";
import { type BenchSensor, createBenchSensor } from "./bench-sensor.ts";
import type { ProgramConfig, ProgramLine } from "./job.ts";
import { runJob } from "./run-job.ts";
import { createSentWatch } from "./sent-watch.ts";

const config = JSON.parse(process.argv[2] ?? "{}") as ProgramConfig;
const { job } = config;
const hub = hubId(config.clientId);
const say = (line: ProgramLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

const clock = createSystemClock();
const watch = createSentWatch(say);
const log = createLogOutput(openSync("/dev/null", "w"), clock);
const logger = watch.listening(rateLimited(createPinoLogger("info", log), clock));
const time = createHubTime({
  clock,
  bootId: await machineBootId(),
  zeroAt: machineZero(clock),
  signs: machineSigns(clock),
});
await time.look();
const outbox = await openSqliteOutbox({ directory: join(config.folder, "outbox"), clock, logger });
using health = createProcessHealth();
const credentials = {
  ca: [await readFile(config.ca, "utf8")],
  certificate: await readFile(config.certificate, "utf8"),
  key: await readFile(config.key, "utf8"),
};
const stateOf = (): HubState =>
  hubState({
    hubId: hub,
    version: "0.1.0",
    stamp: time.stamp(),
    depth: outbox.depth(),
    certificateEnds: null,
    health: health.sample(),
    sensors: { configured: 1, ready: 1 },
  });
const forwarder = createForwarder({
  outbox,
  connector: createMqttConnector({
    url: config.url,
    credentials: async () => credentials,
    hubId: hub,
    will: () => ({ topic: topicOf(hub, "state"), payload: encodeMessage(lastWill(stateOf())), retain: true }),
    subscriptions: [topicOf(hub, "receipt")],
    clock,
    logger,
  }),
  hub,
  clock,
  time,
  logger,
  stateOf,
  receipts: true,
  random: Math.random,
  gate: createTimeGate({
    time,
    anchor: () => null,
    zone: createZones().zone("Europe/Berlin"),
    publishWithoutTime: false,
  }),
});
const report = createEventReporter({ clock, time, logger, send: forwarder.sendEvent });
const { judge } = await openPlausibility({ plausibility: [], sensors: [] }, outbox, logger);
const ingest = createIngest({
  outbox,
  validate: createReadingValidator(),
  judge,
  clock,
  logger,
  report,
  onStored: forwarder.wake,
});

const FIRST_OF_JOB = { busy: 0, rest: 10_000_000, fill: 20_000_000, drain: 30_000_000, idle: 0 } as const;
const sensors = new Map<SensorId, BenchSensor>();

/** One indication of a sensor; resolves when it is durable, as the session then confirms it to the sensor. */
const take = async (name: string): Promise<void> => {
  const id = sensorId(name);
  const sensor = sensors.get(id) ?? createBenchSensor(hub, id, FIRST_OF_JOB[job.tag]);
  sensors.set(id, sensor);
  await ingest.sinkOf(id).take(sensor.next());
};

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
await runJob(job, { take, watch, outbox, run: (signal) => forwarder.run(signal), say, stop });
await outbox[Symbol.asyncDispose]();
process.exit(0);
