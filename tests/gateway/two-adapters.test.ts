import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import { driverOf } from "../../drivers/registry.ts";
import type { PortListing, SerialBinding } from "../../drivers/serial/serial-port-ref.ts";
import { createSerialSupervisor, type SerialSupervisor } from "../../drivers/serial/serial-supervisor.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { enrol } from "../../gateway/config/enrol.ts";
import type { SensorConfig } from "../../gateway/config/hub-config.ts";
import type { EnrolmentGuard } from "../../gateway/enrolment/enrolment-guard.ts";
import { openEnrolmentGuard } from "../../gateway/enrolment/open-guard.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { aanddLine, tanitaLine } from "../../hardware-sim/serial/scale-lines.ts";
import { createSerialLine, type SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { assignmentId, catalogueId, hubId, sensorId } from "../../protocol/ids.ts";
import { createRecordingSink, type RecordingSink } from "../serial/recording-sink.ts";
import { sessionContext } from "../serial/session-context.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";

const HIS = assignmentId("a-his");
const HERS = assignmentId("a-hers");
const clock = createSystemClock();

const sensor = (id: string, model: string, serialNumber: string, assignment: typeof HIS): SensorConfig => ({
  id: sensorId(id),
  model: catalogueId(model),
  assignment,
  serialNumber: null,
  userSlot: null,
  transport: "serial",
  port: { tag: "usb", vendor: "0403", product: "6001", serialNumber },
});

let stack = new AsyncDisposableStack();
let folder = "";
let sink: RecordingSink = createRecordingSink();
/** What is plugged in where. */
let plugged: PortListing[] = [];

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  sink = createRecordingSink();
  folder = await mkdtemp(join(tmpdir(), "hemhub-adapters-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => stack.disposeAsync());

const cable = async (name: string): Promise<SerialLine> =>
  stack.use(await createSerialLine({ path: join(folder, name), clock, chance: createChance(1) }));

const adapter = (line: SerialLine, serialNumber: string): PortListing => ({
  path: line.path,
  vendorId: "0403",
  productId: "6001",
  serialNumber,
});

const binding: SerialBinding = {
  list: async () => plugged,
  open: (options) => SerialPort.binding.open(options) as Promise<object>,
};

/** The hub's own guard and supervisors, over ports whose USB identity the test says. */
const read = async (sensors: readonly SensorConfig[]) => {
  const { enrolled } = enrol(
    {
      sensors,
      hub: { id: hubId("hub-1"), assignment: assignmentId("a-nobody"), dataDir: folder, timeZone: "Europe/Stockholm" },
      catalogue: { folder: null, certifiedOnly: false },
    },
    await loadCatalogue(),
    driverOf,
  );
  const guard: EnrolmentGuard = await openEnrolmentGuard(folder, enrolled, sink.report, silentLogger);
  const stop = new AbortController();
  const supervisors = guard.enrolled.map(({ config, entry, driver, sensor: of }): SerialSupervisor => {
    if (config.transport !== "serial" || entry.transport !== "serial") throw new Error(`${of.id} is not serial`);
    const context = { ...sessionContext(createSimulatedClock(), of), clock };
    return createSerialSupervisor({ port: config.port, line: entry.line, driver, sink, context, binding });
  });
  const running = Promise.all(supervisors.map((one) => one.run(stop.signal)));
  stack.defer(async () => {
    stop.abort();
    await running;
  });
  const listening = (index: number): Promise<boolean> =>
    until(() => supervisors[index]?.status().state === "listening", `supervisor ${index} listens`);
  return { guard, supervisors, listening };
};

const taken = (): readonly (readonly [string, unknown])[] =>
  sink.taken.map(({ assignment, values }) => [assignment, values[0]?.value] as const);

it("reads two scales with equal adapters, each for its own person, also when the ports change their numbers", async () => {
  const [first, second] = [await cable("ttyUSB0"), await cable("ttyUSB1")];
  plugged = [adapter(first, "A1"), adapter(second, "B2")];
  const { supervisors, listening } = await read([
    sensor("his-scale", "and-ek-l", "A1", HIS),
    sensor("her-scale", "and-ek-l", "B2", HERS),
  ]);
  await Promise.all([listening(0), listening(1)]);
  await first.send(aanddLine("ST", 8270).bytes);
  await second.send(aanddLine("ST", 6120).bytes);
  await until(() => sink.taken.length === 2, "both weights are taken");
  expect(taken()).toEqual(expect.arrayContaining([[HIS, 82.7] as const, [HERS, 61.2] as const]));

  await Promise.all([first.unplug(), second.unplug()]);
  await until(() => supervisors.every((one) => one.status().state !== "listening"), "both are gone");
  plugged = [adapter(first, "B2"), adapter(second, "A1")];
  await Promise.all([first.plug(), second.plug()]);
  await Promise.all([listening(0), listening(1)]);
  await first.send(aanddLine("ST", 6130).bytes);
  await second.send(aanddLine("ST", 8280).bytes);
  await until(() => sink.taken.length === 4, "both weights are taken");
  expect(taken().slice(2)).toEqual(expect.arrayContaining([[HERS, 61.3] as const, [HIS, 82.8] as const]));
});

it("does not open an adapter of the same kind that is not enrolled", async () => {
  const stranger = await cable("ttyUSB0");
  plugged = [adapter(stranger, "C3")];
  const { supervisors } = await read([sensor("his-scale", "and-ek-l", "A1", HIS)]);
  await until(() => supervisors[0]?.status().fault?.code === "serial-absent", "the enrolled one is missed");
  expect(sink.taken).toEqual([]);
});

/** Two scales that tell their own serial number, on one cable in turn. */
it("gives nobody the readings of another scale on the enrolled one's cable", async () => {
  const line = await cable("ttyUSB0");
  plugged = [adapter(line, "A1")];
  const { guard, supervisors, listening } = await read([sensor("scale", "tanita-sc-240", "A1", HIS)]);
  const body = (weightTenths: number) =>
    ({
      weightTenths,
      fatPercentTenths: 237,
      impedanceOhmTenths: 6129,
      heightCm: 181,
      age: 67,
      gender: "female",
    }) as const;
  const weigh = async (weightTenths: number, serial: string, arrived: () => boolean, what: string): Promise<void> => {
    await line.send(tanitaLine(body(weightTenths), serial).bytes);
    await until(arrived, what);
  };
  await listening(0);
  await weigh(873, "1", () => sink.taken.length === 1, "the first weight is taken");
  await weigh(874, "1", () => sink.taken.length === 2, "the second weight is taken");
  await weigh(612, "2", () => sink.unreadable.length === 1, "another scale's weight is kept");
  await until(() => supervisors[0]?.status().state !== "listening", "the session ends");
  await listening(0);
  await weigh(613, "2", () => sink.unreadable.length === 2, "another scale's weight is kept again");
  await until(() => !guard.admits(sensorId("scale")), "the scale is not read any more");
  await until(() => supervisors[0]?.status().fault?.code === "sensor-unknown", "the session is refused");
  expect(sink.unreadable.map(({ reason }) => reason)).toEqual(Array(2).fill(expect.stringMatching(/^serial mismatch/)));
  expect(sink.reports.map(({ code, detail }) => [code, detail.state])).toEqual([
    ["sensor-mismatch", "suspected"],
    ["sensor-mismatch", undefined],
  ]);

  await guard.retry("scale");
  await listening(0);
  await weigh(875, "1", () => sink.taken.length === 3, "the enrolled scale is read again");
  expect(taken()).toEqual([
    [HIS, 87.3],
    [HIS, 87.4],
    [HIS, 87.5],
  ]);
});
