import { closeSync, openSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createAndScaleDriver } from "../../drivers/serial/and-scale.ts";
import { openClockAnchor } from "../../gateway/clock/clock-anchor.ts";
import { createHubTime } from "../../gateway/clock/hub-time.ts";
import { openTimeFloor } from "../../gateway/clock/time-floor.ts";
import { createForwarder } from "../../gateway/forward/forwarder.ts";
import { createCapacityWatch } from "../../gateway/health/capacity.ts";
import { createProcessHealth } from "../../gateway/health/process-health.ts";
import { createEventReporter } from "../../gateway/ingest/event-reporter.ts";
import { createIngest } from "../../gateway/ingest/ingest.ts";
import { createPinoLogger } from "../../gateway/log/pino-logger.ts";
import { rateLimited } from "../../gateway/log/rate-limited.ts";
import { writeFloor } from "../../gateway/store/number-floor.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { outboxFiles } from "../../gateway/store/outbox-files.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { aanddLine } from "../../hardware-sim/serial/scale-lines.ts";
import { sensorId } from "../../protocol/ids.ts";
import { epochMs, millis, minutes } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { HUB, stateOf } from "../forward/support/hub-under-test.ts";
import { sessionContext } from "../serial/session-context.ts";
import { createCountingRegion } from "./counting-region.ts";
import type { Sample } from "./growth.ts";
import { createWatch } from "./watched.ts";

/**
 * The parts of a hub, wired as gateway/hub.ts does and run under a simulated clock for many days, with what a home does
 * to them: a scale that is used and unplugged, a link that breaks, a router that is off for hours, NTP that comes and
 * goes. Prints one JSON line at the end. `--leak` plants what the test has to find.
 */
const { values } = parseArgs({
  options: {
    days: { type: "string", default: "4" },
    "a-day": { type: "string", default: "144" },
    seed: { type: "string", default: "1" },
    leak: { type: "boolean", default: false },
  },
});
const [days, aDay, seed] = [Number(values.days), Number(values["a-day"]), Number(values.seed)];
const collect = globalThis.gc;
if (collect === undefined) throw new Error("run with --expose-gc");

/** How long the scale is plugged in at a time, and how often everything is weighed. */
const SPELLS_A_DAY = 4;
const SPELL = minutes((24 * 60) / SPELLS_A_DAY);
/** Numbers near the end of what a JavaScript number counts exactly: 2^53 - 1, and two million more fit. */
const FIRST_NUMBER = Number.MAX_SAFE_INTEGER - 2_000_000;
/** What a hub remembers to tell a repeated reading; few, so that it is full soon. */
const REMEMBER = 100;

const folder = await mkdtemp(join(tmpdir(), "hemhub-year-"));
const directory = join(folder, "outbox");
await mkdir(directory, { mode: 0o700 });
await writeFloor(outboxFiles(directory).floor, { seq: FIRST_NUMBER, counter: 0, series: 0x1234 });

const watch = createWatch();
const clock = createSimulatedClock({ startAt: epochMs(Date.UTC(2026, 11, 1)), atRest: watch.atRest });
const chance = createChance(seed);
let logged = 0;
const output = {
  write: (line: string): void => {
    logged += line.length;
  },
};
const logger = rateLimited(createPinoLogger("info", output), clock);
let isSynchronised = true;
const time = createHubTime({
  clock,
  bootId: "boot-1",
  zeroAt: millis(0),
  signs: async () => ({
    sync: isSynchronised
      ? {
          source: "chrony",
          reference: "192.0.2.7",
          stratum: 2,
          boundMs: 12,
          drift: 1e-5,
          ageMs: minutes(5),
          comparison: clock.elapsed(),
        }
      : null,
    rtc: false,
    answers: {},
  }),
});
await time.look();
const opened = await openSqliteOutbox({ directory, clock, logger, remember: REMEMBER });
const outbox = watch.over(opened);
const first = FIRST_NUMBER;
const region = createCountingRegion({ hub: HUB, from: first, chance: chance.fork("region"), loseReceipts: 0.02 });
const health = createProcessHealth();
const floor = await openTimeFloor({ file: join(folder, "time-floor.json"), clock, logger });
const anchor = await openClockAnchor({
  file: join(folder, "clock-anchor.json"),
  time,
  clock,
  logger,
  onAnchored: () => forwarder.wake(),
});
const forwarder = createForwarder({
  outbox,
  connector: region.connector,
  hub: HUB,
  clock,
  time,
  logger,
  stateOf: () => stateOf(opened, clock),
  receipts: true,
  random: () => chance.fraction(),
});
const report = createEventReporter({ clock, time, logger, send: forwarder.sendEvent });
const probe = join(folder, "time-floor.json");
const capacity = createCapacityWatch({ directory, probe, clock, logger, report, onLevel: () => undefined });
const scaleId = sensorId("scale");
const ingest = createIngest({
  outbox,
  validate: createReadingValidator(),
  clock,
  logger,
  report,
  onStored: forwarder.wake,
});
const sink = ingest.sinkOf(scaleId);
const simulated = Object.assign(Object.create(clock) as typeof clock, { stamp: () => time.stamp() });
const context = sessionContext(simulated, { id: scaleId });

const stop = new AbortController();
const running = [
  forwarder.run(stop.signal),
  capacity.run(stop.signal),
  time.run(stop.signal),
  anchor.run(stop.signal),
  floor.run(time, stop.signal),
];

const leaked: unknown[] = [];
const leakedFiles: number[] = [];
let measured = 0;

/** The scale is plugged in, used now and then, and its cable pulled at the end. */
const liveOneSpell = async (spell: number): Promise<void> => {
  await using transport = createMemoryTransport(simulated);
  const session = createAndScaleDriver().session(transport, sink, context, stop.signal);
  const times = Math.max(1, Math.round(aDay / SPELLS_A_DAY));
  const pause = millis(SPELL / times);
  for (let n = 0; n < times; n++) {
    measured += 1;
    // Up and down again: a scale sends the load, and then that it is empty.
    transport.send(aanddLine("ST", 7000 + (measured % 500)).bytes);
    await clock.advance(millis(pause / 2));
    transport.send(aanddLine("ST", 0).bytes);
    if (chance.happens(0.02)) region.cut();
    if (chance.happens(0.01)) {
      region.goAway();
      await clock.advance(millis(chance.whole(1000, 60_000)));
      region.comeBack();
    }
    isSynchronised = !chance.happens(0.05);
    if (values.leak) leaked.push(Array.from({ length: 4000 }, () => chance.fraction()));
    await clock.advance(millis(pause / 2));
  }
  // A storm, every tenth day: the router is off for six hours.
  if (spell % 40 === 39) region.goAway();
  else region.comeBack();
  if (values.leak) {
    leakedFiles.push(openSync("/dev/null", "r"));
    clock.sleep(millis(1e12), stop.signal).catch(() => undefined);
  }
  transport.unplug();
  await session;
};

const stored = (): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

const sample = (day: number, loggedBefore: number): Sample => {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return {
    day,
    heap: heapUsed,
    external,
    openFiles: health.sample().openFiles ?? 0,
    sleeping: clock.sleeping,
    resources: process.getActiveResourcesInfo().length,
    stored: stored(),
    logged: logged - loggedBefore,
  };
};

/** A collection takes 20 ms: once a day is enough where there are many. */
const sampleEvery = days > 30 ? SPELLS_A_DAY : 1;
const samples: Sample[] = [];
let before = 0;
for (let spell = 0; spell < days * SPELLS_A_DAY; spell++) {
  await liveOneSpell(spell);
  await clock.advance(minutes(1));
  if (spell % sampleEvery !== 0) continue;
  samples.push(sample(spell / SPELLS_A_DAY, before));
  before = logged;
}
region.comeBack();
for (let hour = 0; hour < 48 && opened.depth().waiting > 0; hour++) await clock.advance(minutes(60));

const { waiting, refused, newest } = opened.depth();
const status = ingest.status();
stop.abort(new Error("the year is over"));
await Promise.all([Promise.all(running), clock.advance(minutes(1))]);
await opened[Symbol.asyncDispose]();
health[Symbol.dispose]();
for (const file of leakedFiles) closeSync(file);
await rm(folder, { recursive: true, force: true });
const ofRegion = { ...region.totals, through: region.through };
process.stdout.write(
  `${JSON.stringify({ measured, first, newest, waiting, refused, status, region: ofRegion, samples, sleeping: clock.sleeping })}\n`,
);
