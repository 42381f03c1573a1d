import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { catalogueOf, loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import { driverOf } from "../../drivers/registry.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { enrol } from "../../gateway/config/enrol.ts";
import { loadConfig } from "../../gateway/config/load-config.ts";
import type { Ingest } from "../../gateway/ingest/ingest.ts";
import { createSensorParts } from "../../gateway/sensors.ts";
import { createCareLeases, LULL } from "../../gateway/updates/care-leases.ts";
import { isTransportThere, openTransports } from "../../gateway/updates/trial-transports.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { aanddLine } from "../../hardware-sim/serial/scale-lines.ts";
import { createSerialLine, type SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { createRecordingSink } from "../serial/recording-sink.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { type TestHome, testHome } from "./support/test-hub.ts";

let place: TestHome;
let cable: SerialLine;

beforeEach(async () => {
  place = await testHome();
  const path = join(place.folder, "scale");
  cable = await createSerialLine({ path, clock: createSystemClock(), chance: createChance(1) });
});
afterEach(async () => {
  await cable[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

it("a scale on its cable keeps no release away until somebody steps on it, and it is what the next release must open", async () => {
  await using home = await testHome({ sensors: [{ id: "scale", model: "and-ek-l", serial: { path: cable.path } }] });
  const result = await loadConfig(home.configFile);
  if (result.tag === "invalid") throw new Error(JSON.stringify(result.problems));
  const { config } = result;
  const { entries } = await loadCatalogue();
  const sink = createRecordingSink();
  const time = createSimulatedClock();
  const leases = createCareLeases({ clock: time, logger: silentLogger });
  const sensors = await createSensorParts({
    config,
    enrolments: enrol(config, catalogueOf(entries), driverOf),
    ingest: { sinkOf: () => sink, lastHeard: () => null, lastStored: () => null } as unknown as Ingest,
    report: () => undefined,
    clock: createSystemClock(),
    time,
    logger: silentLogger,
    mark: (assignment) => assignment,
    care: leases,
  });
  expect(openTransports(config, sensors)).toEqual([]);
  const stop = new AbortController();
  const running = sensors.run(stop.signal);
  await until(() => openTransports(config, sensors).length === 1, "the scale is listened to");
  const [scale] = openTransports(config, sensors);
  expect(scale).toEqual({ name: "sensor scale", port: { tag: "path", path: cable.path } });
  expect(leases.held()).toBeNull();

  await cable.send(aanddLine("ST", 8270).bytes);
  await until(() => sink.taken.length === 1, "the weight is taken");
  expect(leases.held()?.what).toBe("sensor scale");
  await time.advance(LULL);
  expect(leases.held()).toBeNull();

  expect(scale === undefined ? null : await isTransportThere(scale)).toBe(true);
  await cable[Symbol.asyncDispose]();
  expect(scale === undefined ? null : await isTransportThere(scale)).toBe(false);
  stop.abort();
  await running;
});
