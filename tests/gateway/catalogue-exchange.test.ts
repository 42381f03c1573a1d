import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { catalogueOf, loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import { driverOf } from "../../drivers/registry.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { type Enrolments, enrol } from "../../gateway/config/enrol.ts";
import type { HubConfig } from "../../gateway/config/hub-config.ts";
import { loadConfig } from "../../gateway/config/load-config.ts";
import { createExchangeableSensors, type ExchangeableSensors } from "../../gateway/exchangeable-sensors.ts";
import type { Ingest } from "../../gateway/ingest/ingest.ts";
import { createSensorParts } from "../../gateway/sensors.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { aanddLine } from "../../hardware-sim/serial/scale-lines.ts";
import { createSerialLine, type SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { createRecordingSink, type RecordingSink } from "../serial/recording-sink.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { type TestHome, testHome } from "./support/test-hub.ts";

const withdrawn = { date: "2026-11-01", reason: "recalled by its maker" };

describe("another catalogue in a running hub", () => {
  let home: TestHome;
  let config: HubConfig;
  let cable: SerialLine;
  let sink: RecordingSink;
  let entries: readonly CatalogueEntry[];
  let sensors: ExchangeableSensors;
  let events: string[];
  const isMeasured = { now: false };
  const stop = { controller: new AbortController(), running: Promise.resolve() };

  /** What this home's sensors are by the shipped catalogue with one model as told; null: without it. */
  const enrolments = (model: string, change: Partial<CatalogueEntry> | null): Enrolments => {
    const changed = entries.flatMap((entry) => {
      if (entry.id !== model) return [entry];
      return change === null ? [] : [{ ...entry, ...change } as CatalogueEntry];
    });
    return enrol(config, catalogueOf(changed), driverOf);
  };

  beforeEach(async () => {
    home = await testHome();
    cable = await createSerialLine({
      path: join(home.folder, "scale"),
      clock: createSystemClock(),
      chance: createChance(1),
    });
    const written = await testHome({
      sensors: [
        { id: "scale", model: "and-ek-l", serial: { path: cable.path } },
        { id: "meter", model: "contec-cms50d-plus", serial: { path: join(home.folder, "none") } },
      ],
    });
    const result = await loadConfig(written.configFile);
    await written[Symbol.asyncDispose]();
    if (result.tag === "invalid") throw new Error(JSON.stringify(result.problems));
    config = { ...result.config, hub: { ...result.config.hub, dataDir: home.folder } };
    ({ entries } = await loadCatalogue());
    sink = createRecordingSink();
    events = [];
    isMeasured.now = false;
    const ingest = { sinkOf: () => sink, lastHeard: () => null, lastStored: () => null } as unknown as Ingest;
    const clock = createSystemClock();
    sensors = await createExchangeableSensors({
      create: (found) =>
        createSensorParts({
          config,
          enrolments: found,
          ingest,
          report: (code, message) => events.push(`${code}: ${message}`),
          clock,
          time: createSimulatedClock(),
          logger: silentLogger,
          mark: (assignment) => assignment,
        }),
      // The meter is certified later.
      enrolments: enrolments("contec-cms50d-plus", null),
      isMeasuring: () => isMeasured.now,
      clock: { now: clock.now, elapsed: clock.elapsed, sleep: (_, signal) => clock.sleep(5 as never, signal) },
    });
    stop.controller = new AbortController();
    stop.running = sensors.run(stop.controller.signal);
  });
  afterEach(async () => {
    stop.controller.abort();
    await stop.running;
    await cable[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  const exchange = (model: string, change: Partial<CatalogueEntry> | null): Promise<void> =>
    sensors.exchange(enrolments(model, change), stop.controller.signal);
  const stateOf = (id: string) => sensors.sensors().find((one) => one.id === id);
  const weigh = async (grams10: number): Promise<void> => {
    await until(() => stateOf("scale")?.state === "connected", "the scale is listened to");
    const before = sink.taken.length;
    await cable.send(aanddLine("ST", grams10).bytes);
    await until(() => sink.taken.length === before + 1, "the weight is taken");
  };

  it("makes a newly certified model usable, and the other sensors are read on", async () => {
    await weigh(8270);
    expect(stateOf("meter")).toMatchObject({
      state: "set-aside",
      trouble: expect.stringContaining("not in the catalogue"),
    });
    await exchange("contec-cms50d-plus", {});
    await until(() => stateOf("meter")?.state === "absent", "the meter is looked for");
    await weigh(6120);
    expect(sink.taken.map(({ values }) => values[0]?.value)).toEqual([82.7, 61.2]);
  });

  it("stops reading a withdrawn model, tells the region, and reads it again where it is certified again", async () => {
    await weigh(8270);
    await exchange("and-ek-l", { status: "withdrawn", withdrawn });
    expect(stateOf("scale")).toMatchObject({ state: "set-aside", trouble: expect.stringContaining("2026-11-01") });
    expect(events).toContainEqual(expect.stringMatching(/^sensor-withdrawn: sensor scale: .*recalled by its maker/));
    await exchange("and-ek-l", {});
    await weigh(6120);
    expect(sink.taken).toHaveLength(2);
  });

  it("does not break off a measurement that is under way", async () => {
    await weigh(8270);
    isMeasured.now = true;
    const exchanged = exchange("and-ek-l", { status: "withdrawn", withdrawn });
    await weigh(6120);
    expect(stateOf("scale")?.state).toBe("connected");
    isMeasured.now = false;
    await exchanged;
    expect(stateOf("scale")?.state).toBe("set-aside");
    expect(sink.taken).toHaveLength(2);
  });
});
