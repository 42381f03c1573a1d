import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SHIPPED_CATALOGUE } from "../../drivers/catalogue/catalogue.ts";
import { createBloodPressureCuff } from "../../hardware-sim/gatt/blood-pressure-cuff.ts";
import type { SensorOptions } from "../../hardware-sim/gatt/sensor-options.ts";
import { createWeightScale } from "../../hardware-sim/gatt/weight-scale.ts";
import { createRegionSide, type RegionSide } from "../../hardware-sim/home/region-side.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { hubId } from "../../protocol/ids.ts";
import type { HubEvent } from "../../protocol/messages.ts";
import type { Reading } from "../../protocol/reading.ts";
import { seconds } from "../../protocol/time.ts";
import { clock } from "../radio/hub-side.ts";
import { startAdapter, type VirtualAdapter } from "../radio/virtual-home.ts";
import { until } from "../support/until.ts";
import { startHub, type TestHome, type TestHub, testHome } from "./support/test-hub.ts";

const HIS = "a-his";
const HERS = "a-hers";
const HIS_CUFF = "c0:26:da:00:00:01";
const HER_CUFF = "c0:26:da:00:00:02";
const HIS_SCALE = "c0:26:da:00:00:03";
const HER_SCALE = "c0:26:da:00:00:04";
const WITHDRAWN_CUFF = "c0:26:da:00:00:05";
const NEIGHBOUR = "c0:26:da:00:00:06";

/** What the hub is to notice takes a scan, a connection and a session; a loaded machine some more. */
const WAIT_MS = 30_000;

/** A region's own catalogue: two models that need no pairing, and one that it has withdrawn. */
const writeCatalogue = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  for (const id of ["and-ua-651ble", "and-uc-352ble"]) {
    const text = await readFile(join(SHIPPED_CATALOGUE, `${id}.yaml`), "utf8");
    await writeFile(join(folder, `${id}.yaml`), text.replace("pairing: just-works", "pairing: none"));
  }
  const gone = 'status: withdrawn\nwithdrawn: { date: "2026-11-01", reason: recalled by its maker }\n';
  await cp(join(SHIPPED_CATALOGUE, "beurer-bm85.yaml"), join(folder, "beurer-bm85.yaml"));
  await writeFile(join(folder, "beurer-bm85.yaml"), gone, { flag: "a" });
};

/** A stack of a home around one hub process: radio, region, files. */
describe("a home with two sensors of each model", { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack();
  let adapter: VirtualAdapter;
  let region: RegionSide;
  let home: TestHome;
  let hub: TestHub;

  const sensorAt = (address: string, serial: string): SensorOptions => ({
    air: adapter.air,
    address: radioAddress(address),
    identity: {
      manufacturer: "A&D Medical",
      model: "twin",
      serial,
      firmware: "1.0",
      systemId: `c026dafffe${address.slice(-8).replaceAll(":", "")}`,
    },
    afterwards: seconds(1),
  });
  const sensors = new Map<string, { close(): Promise<void> }>();
  const cuff = (address: string, serial: string) => {
    const made = createBloodPressureCuff(sensorAt(address, serial));
    sensors.set(address, made);
    return made;
  };
  const scale = (address: string, serial: string) => {
    const made = createWeightScale(sensorAt(address, serial));
    sensors.set(address, made);
    return made;
  };
  const readings = (): readonly Reading[] => region.receiver.accepted().map(({ reading }) => reading);
  const readingOf = (value: number): Promise<Reading> =>
    until(() => readings().find(({ values }) => values[0]?.value === value), `the region has ${value}`, WAIT_MS);
  const events = (): readonly HubEvent[] => region.receiver.hub(hubId("hub-0042"))?.events ?? [];
  const eventOf = (code: string, detail: object): Promise<HubEvent> =>
    until(
      () =>
        events().find(
          (one) => one.code === code && Object.entries(detail).every(([key, value]) => one.detail[key] === value),
        ),
      `the region is told ${code} ${JSON.stringify(detail)}`,
      WAIT_MS,
    );

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-twins-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    await writeCatalogue(join(folder, "catalogue"));
    adapter = stack.use(await startAdapter());
    region = stack.use(
      await createRegionSide({ clock, hub: hubId("hub-0042"), folder, seed: 1, observe: () => undefined }),
    );
    const { files, network } = region;
    const ble = (address: string) => ({ ble: { address } });
    home = stack.use(
      await testHome({
        hub: { id: "hub-0042", assignment: HIS, dataDir: "./data", timeZone: "Europe/Stockholm" },
        region: { url: network.url, ca: [files.ca], certificate: files.hub.certificate, key: files.hub.key },
        ble: { adapter: { type: "uart", path: adapter.path, baudRate: 115_200 } },
        catalogue: { folder: join(folder, "catalogue") },
        plausibility: [{ quantity: "body-weight", assignment: HERS, max: 90 }],
        sensors: [
          { id: "his-cuff", model: "and-ua-651ble", ...ble(HIS_CUFF) },
          { id: "her-cuff", model: "and-ua-651ble", assignment: HERS, serialNumber: "HERS-1", ...ble(HER_CUFF) },
          { id: "his-scale", model: "and-uc-352ble", userSlot: 1, ...ble(HIS_SCALE) },
          { id: "her-scale", model: "and-uc-352ble", assignment: HERS, ...ble(HER_SCALE) },
          { id: "old-cuff", model: "beurer-bm85", ...ble(WITHDRAWN_CUFF) },
        ],
      }),
    );
    hub = await startHub(home, [adapter.line]);
  }, 60_000);
  afterAll(async () => {
    for (const sensor of sensors.values()) await sensor.close();
    await hub?.[Symbol.asyncDispose]();
    await stack.disposeAsync();
  }, 60_000);

  it("gives each reading to the person whose sensor it is from, by address and never by model", async () => {
    cuff(HIS_CUFF, "HIS-1").measure({ systolic: 131, diastolic: 81, pulse: 61 });
    cuff(HER_CUFF, "HERS-1").measure({ systolic: 112, diastolic: 72, pulse: 72 });
    expect(await readingOf(131)).toMatchObject({ assignment: HIS, device: { serial: "HIS-1" }, quality: [] });
    expect(await readingOf(112)).toMatchObject({ assignment: HERS, device: { serial: "HERS-1" }, quality: [] });
    await hub.logged("serial number of sensor learned");
  });

  it("flags what is not plausible for this person, and who stood on a shared scale, and alters nothing", async () => {
    const his = scale(HIS_SCALE, "HIS-2");
    his.measure({ weight: 92.5, user: 1 });
    expect(await readingOf(92.5)).toMatchObject({ assignment: HIS, quality: [] });
    his.measure({ weight: 63, user: 2 });
    expect(await readingOf(63)).toMatchObject({ assignment: HIS, quality: ["unconfirmed"] });
    his.measure({ weight: 64, user: 1 });
    expect(await readingOf(64)).toMatchObject({ assignment: HIS, quality: ["unconfirmed"], context: { userSlot: 1 } });
    his.measure({ weight: 92, user: 255 });
    expect(await readingOf(92)).toMatchObject({ quality: ["unconfirmed"] });
    scale(HER_SCALE, "HERS-2").measure({ weight: 92.25 });
    expect(await readingOf(92.25)).toMatchObject({ assignment: HERS, quality: ["implausible"] });
  });

  it("reads no withdrawn model, nobody's sensor, and says so to region and technician", async () => {
    expect(await eventOf("sensor-withdrawn", { sensor: "old-cuff" })).toMatchObject({
      severity: "alarm",
      message: expect.stringContaining("was withdrawn on 2026-11-01 (recalled by its maker)"),
    });
    const old = cuff(WITHDRAWN_CUFF, "OLD-1");
    const neighbours = cuff(NEIGHBOUR, "THEIRS-1");
    old.measure({ systolic: 150, diastolic: 90 });
    neighbours.measure({ systolic: 151, diastolic: 91 });
    await eventOf("unknown-sensor", { address: NEIGHBOUR });
    const { out } = await hub.ask("sensor", "list");
    expect(out).toMatch(/old-cuff +beurer-bm85 +set-aside/);
    expect(out.replaceAll(/\s+/g, " ")).toMatch(
      /nearby and not read: Bluetooth c0:26:da:00:00:06, heard \d+ s ago: offers medical service 1810, not enrolled; enrol/,
    );
    expect(JSON.parse((await hub.ask("sensor", "nearby", "--json")).out)).toMatchObject([
      { what: `Bluetooth ${NEIGHBOUR}`, reason: expect.any(String), next: expect.any(String) },
    ]);
    expect(events().some(({ detail }) => detail.address === WITHDRAWN_CUFF)).toBe(false);
    expect([old.connections, neighbours.connections]).toEqual([0, 0]);
  });

  it("gives nobody what another cuff at the same address sends, until somebody accepts it", async () => {
    await sensors.get(HIS_CUFF)?.close();
    const other = cuff(HIS_CUFF, "OTHER-1");
    other.measure({ systolic: 171, diastolic: 101 });
    expect(await eventOf("sensor-mismatch", { sensor: "his-cuff" })).toMatchObject({ severity: "alarm" });
    // The cuff on its own address is still read; and the other one keeps what nobody confirmed.
    const list = (await hub.ask("sensor", "list")).out;
    expect(list).toMatch(/his-cuff +and-ua-651ble +quarantined/);
    expect(list.replaceAll(/\s+/g, " ")).toContain("serial number OTHER-1 instead of HIS-1");
    expect(list).toMatch(/her-cuff +and-ua-651ble +(waiting|connected)/);
    expect(other.waiting).toBe(1);
    expect(readings().some(({ device }) => device.serial === "OTHER-1")).toBe(false);
    const connections = other.connections;

    hub.kill("SIGTERM");
    await hub.ended();
    await hub[Symbol.asyncDispose]();
    hub = await startHub(home, [adapter.line]);
    other.wake();
    await until(async () => (await hub.ask("sensor", "list")).out.includes("quarantined"), "it is still quarantined");
    expect((await hub.ask("sensor", "accept", "her-cuff")).err).toContain("no other sensor answers in the place");
    expect(await hub.ask("sensor", "accept", "his-cuff")).toMatchObject({
      exit: 0,
      out: "sensor his-cuff is now the one with serial number OTHER-1\n",
    });
    other.wake();
    expect(await readingOf(171)).toMatchObject({ assignment: HIS, device: { serial: "OTHER-1" } });
    expect(other.connections).toBe(connections + 1);
    await eventOf("sensor-mismatch", { sensor: "his-cuff", state: "recovered" });
  });

  it("holds the serial number that the configuration names from the first session on", async () => {
    await sensors.get(HER_CUFF)?.close();
    cuff(HER_CUFF, "THEIRS-2").measure({ systolic: 172, diastolic: 102 });
    await eventOf("sensor-mismatch", { sensor: "her-cuff" });
    expect((await hub.ask("sensor", "accept", "her-cuff")).err).toContain("stands in the configuration as HERS-1");
    await sensors.get(HER_CUFF)?.close();
    const hers = cuff(HER_CUFF, "HERS-1");
    expect((await hub.ask("sensor", "retry", "her-cuff")).exit).toBe(0);
    hers.measure({ systolic: 113, diastolic: 73 });
    expect(await readingOf(113)).toMatchObject({ assignment: HERS, device: { serial: "HERS-1" } });
    expect(readings().some(({ values }) => values[0]?.value === 172)).toBe(false);
  });
});
