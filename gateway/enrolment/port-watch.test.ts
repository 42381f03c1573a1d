import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import type { PortListing } from "../../drivers/serial/serial-port-ref.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { catalogueId, sensorId } from "../../protocol/ids.ts";
import { minutes } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import type { SensorConfig } from "../config/hub-config.ts";
import { createPortWatch } from "./port-watch.ts";
import { createStrangers } from "./strangers.ts";

const { entries } = await loadCatalogue();

const sensor = (id: string, port: object): SensorConfig =>
  ({
    id: sensorId(id),
    model: catalogueId("nonin-3012lp"),
    assignment: null,
    serialNumber: null,
    userSlot: null,
    transport: "serial",
    port,
  }) as SensorConfig;
const ftdi = (serialNumber: string | null) => ({ tag: "usb", vendor: "0403", product: "6001", serialNumber });

const listing = (path: string, serialNumber?: string, product = "6001"): PortListing => ({
  path,
  vendorId: "0403",
  productId: product,
  ...(serialNumber === undefined ? {} : { serialNumber }),
});

const setUp = (sensors: readonly SensorConfig[], list: () => Promise<readonly PortListing[]>) => {
  const clock = createSimulatedClock();
  const strangers = createStrangers(clock, []);
  const events: { code: string; message: string; detail: object }[] = [];
  const config = { sensors, ble: null, diagnostics: { socket: "/x", serial: null } };
  const watch = createPortWatch({
    config,
    entries,
    strangers,
    list,
    clock,
    logger: silentLogger,
    report: (code, message, detail) => void events.push({ code, message, detail }),
  });
  return { clock, strangers, events, watch };
};

it("tells two equal adapters apart by their serial numbers, and reports a third one once", async () => {
  const ports = [listing("/dev/ttyUSB0", "A1"), listing("/dev/ttyUSB1", "B2"), listing("/dev/ttyUSB2", "C3")];
  const { watch, strangers, events } = setUp(
    [sensor("his", ftdi("A1")), sensor("hers", ftdi("B2"))],
    async () => ports,
  );
  await watch.look();
  await watch.look();
  expect(strangers.list()).toMatchObject([
    { what: "USB 0403:6001 number C3", reason: "an adapter like that of his, with another serial number" },
  ]);
  expect(events).toMatchObject([{ code: "unknown-sensor", detail: { path: "/dev/ttyUSB2" } }]);
});

it("knows the adapters of models that nobody enrolled, and leaves everything else alone", async () => {
  const ports = [
    listing("/dev/ttyUSB0"),
    listing("/dev/ttyUSB1", "X", "9999"),
    { path: "/dev/ttyS0" },
    { path: "/dev/ttyACM0", vendorId: "1D6B", productId: "0104" },
  ];
  const { watch, strangers } = setUp([sensor("scale", { tag: "path", path: "/dev/ttyS0" })], async () => ports);
  await watch.look();
  expect(strangers.list().map(({ what, reason }) => [what, reason])).toEqual([
    ["USB 0403:6001", expect.stringMatching(/^an adapter as of model .*, not enrolled$/)],
  ]);
});

it("does not ask who is at a port that the configuration names, by whatever link", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-ports-"));
  try {
    await writeFile(join(folder, "ttyUSB0"), "");
    await symlink(join(folder, "ttyUSB0"), join(folder, "by-id"));
    const path = join(folder, "by-id");
    const { watch, strangers } = setUp([sensor("scale", { tag: "path", path })], async () => [
      listing(join(folder, "ttyUSB0"), "A1"),
    ]);
    await watch.look();
    expect(strangers.list()).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("takes any adapter of its kind for a sensor that is enrolled without a number", async () => {
  const { watch, strangers } = setUp([sensor("his", ftdi(null))], async () => [listing("/dev/ttyUSB0", "A1")]);
  await watch.look();
  expect(strangers.list()).toEqual([]);
});

it("looks every ten minutes until told to stop, also where ports cannot be listed", async () => {
  let looks = 0;
  const { watch, clock } = setUp([], async () => {
    looks += 1;
    throw new Error("no udev");
  });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  await clock.advance(minutes(10));
  await clock.advance(minutes(10));
  expect(looks).toBe(3);
  stop.abort();
  await running;
});
