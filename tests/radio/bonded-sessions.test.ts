import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BloodPressureCuff, createBloodPressureCuff } from "../../hardware-sim/gatt/blood-pressure-cuff.ts";
import type { SensorOptions } from "../../hardware-sim/gatt/sensor-options.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import {
  createSmpResponder,
  type SimulatedSecurity,
  type SmpResponderOptions,
} from "../../hardware-sim/radio/smp/smp-responder.ts";
import { millis } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import {
  type BondedHub,
  emptyRecord,
  type HubRecord,
  startBondedHub,
  type TestSensor,
  testCuff,
} from "./bonded-hub.ts";
import { clock } from "./hub-side.ts";
import { startAdapter, type VirtualAdapter } from "./virtual-home.ts";

const ADDRESS = "c0:26:da:00:00:01";
const IRK = Uint8Array.from(Buffer.from("ec0234a357c8ad05341010a60a397d9b", "hex"));
const VALUES = { systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51 };

let adapter: VirtualAdapter;
let folder: string;
let record: HubRecord;
let open: AsyncDisposable[];

beforeEach(async () => {
  adapter = await startAdapter();
  folder = await mkdtemp(join(tmpdir(), "hemhub-bonds-"));
  record = emptyRecord();
  open = [];
});
afterEach(async () => {
  for (const one of open.reverse()) await one[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

interface Cuff {
  readonly cuff: BloodPressureCuff;
  readonly smp: SimulatedSecurity;
}

const startCuff = (smpOptions: Partial<SmpResponderOptions> = {}, options: Partial<SensorOptions> = {}): Cuff => {
  const address = radioAddress(ADDRESS);
  const smp = createSmpResponder({
    clock,
    chance: createChance(5),
    io: "no-input-no-output",
    secureConnections: true,
    mitm: false,
    ...smpOptions,
  });
  const cuff = createBloodPressureCuff({
    air: adapter.air,
    address,
    identity: { manufacturer: "Maker", model: "Model", serial: "1", firmware: "1", systemId: "0011223344556677" },
    security: "encrypted",
    smp,
    afterwards: millis(20),
    ...options,
  });
  open.push(cuff);
  return { cuff, smp };
};

const startHub = async (sensor: TestSensor = testCuff()): Promise<BondedHub> => {
  const hub = await startBondedHub({ path: adapter.path, folder, sensors: [sensor], record });
  open.push(hub);
  return hub;
};
const stopHub = async (hub: BondedHub): Promise<void> => {
  open = open.filter((one) => one !== hub);
  await hub[Symbol.asyncDispose]();
};

const stage = (hub: BondedHub, tag: string): Promise<boolean> =>
  until(() => hub.desk.view("cuff").stage.tag === tag, `the window is at ${tag}`);

/** Open the window, hold the button, and let the person do their part. */
const pair = async (hub: BondedHub, { cuff }: Cuff, person: () => Promise<void> = async () => undefined) => {
  hub.desk.open("cuff");
  cuff.wake();
  await person();
  await stage(hub, "paired");
};

const measure = async (cuff: BloodPressureCuff): Promise<void> => {
  const before = record.readings.length;
  cuff.measure(VALUES);
  await until(() => record.readings.length > before, "the reading is taken");
  await until(() => cuff.state === "asleep", "the cuff sleeps again");
};

const METHODS: readonly {
  readonly name: string;
  readonly pairing: TestSensor["pairing"];
  readonly security: NonNullable<SensorOptions["security"]>;
  readonly smp: Partial<SmpResponderOptions>;
  readonly person: (hub: BondedHub, cuff: Cuff) => Promise<void>;
  readonly method: string;
}[] = [
  {
    name: "Just Works, legacy",
    pairing: "just-works",
    security: "encrypted",
    smp: { secureConnections: false },
    person: async () => undefined,
    method: "LE legacy pairing, Just Works",
  },
  {
    name: "Just Works, Secure Connections",
    pairing: "just-works",
    security: "encrypted",
    smp: {},
    person: async () => undefined,
    method: "LE Secure Connections, Just Works",
  },
  {
    name: "a passkey that the sensor shows",
    pairing: "passkey",
    security: "authenticated",
    smp: { io: "display-only", mitm: true },
    person: async (hub, { smp }) => {
      await stage(hub, "passkey-asked");
      hub.desk.passkey("cuff", smp.shown ?? -1);
    },
    method: "LE Secure Connections, passkey",
  },
  {
    name: "a passkey printed on the sensor, typed before it is asked for",
    pairing: "passkey",
    security: "authenticated",
    smp: { io: "display-only", mitm: true, secureConnections: false, passkey: 4711 },
    person: async (hub) => void hub.desk.passkey("cuff", 4711),
    method: "LE legacy pairing, passkey",
  },
  {
    name: "a comparison",
    pairing: "numeric-comparison",
    security: "authenticated",
    smp: { io: "display-yes-no", mitm: true, compare: async () => true },
    person: async (hub, { smp }) => {
      await stage(hub, "comparing");
      const view = hub.desk.view("cuff").stage;
      expect(view).toEqual({ tag: "comparing", number: String(smp.shown).padStart(6, "0") });
      hub.desk.confirm("cuff", true);
    },
    method: "LE Secure Connections, numeric comparison",
  },
];

describe.each(METHODS)("a sensor that is paired with $name", ({ pairing, security, smp, person, method }) => {
  it("is read over its bond, before and after a restart of the hub", async () => {
    const sensor = startCuff({ ...smp, refusesRepairing: true }, { security });
    const hub = await startHub(testCuff({ pairing }));
    await pair(hub, sensor, () => person(hub, sensor));
    expect(hub.desk.bond("cuff")).toMatchObject({ method, authenticated: pairing !== "just-works", keeper: "hub" });
    await measure(sensor.cuff);
    await stopHub(hub);
    await startHub(testCuff({ pairing }));
    await measure(sensor.cuff);
    expect(record.readings).toHaveLength(2);
    expect(sensor.smp.pairings).toBe(1);
    expect(record.reports).toEqual([]);
    expect((await stat(join(folder, "bonds.json"))).mode & 0o777).toBe(0o600);
  });
});

describe("a sensor with private addresses", () => {
  const hidden = (over: Partial<SmpResponderOptions> = {}): Cuff =>
    startCuff({ identity: { address: radioAddress(ADDRESS), irk: IRK }, ...over }, { irk: IRK });

  it("is found in its window, known behind every new address afterwards, and read under its identity", async () => {
    const sensor = hidden({ refusesRepairing: true });
    const hub = await startHub();
    await pair(hub, sensor);
    await measure(sensor.cuff);
    await stopHub(hub);
    await startHub();
    for (let again = 0; again < 3; again++) await measure(sensor.cuff);
    expect(record.readings.map(({ address }) => address)).toEqual([ADDRESS, ADDRESS, ADDRESS, ADDRESS]);
    expect(sensor.smp.pairings).toBe(1);
    expect(record.reports).toEqual([]);
  });

  it("is not paired in a window where it turns out to be another than the enrolled one", async () => {
    const identity = { address: radioAddress("c0:26:da:00:00:99"), irk: IRK };
    const { cuff } = startCuff({ identity }, { irk: IRK });
    const hub = await startHub();
    hub.desk.open("cuff");
    cuff.wake();
    await until(() => hub.desk.view("cuff").failed, "the attempt has failed");
    expect(hub.desk.view("cuff").failed).toContain("the sensor that answered is c0:26:da:00:00:99");
    expect(hub.store.all()).toEqual([]);
    expect(await readFile(join(folder, "bonds.json")).catch((error) => error.code)).toBe("ENOENT");
  });
});

describe("without a window", () => {
  it("an enrolled sensor that is not paired is not even connected to", async () => {
    const { cuff } = startCuff();
    const hub = await startHub();
    cuff.measure(VALUES);
    await until(() => hub.scheduler.status().sensors[0]?.lastSeen, "the hub hears the cuff");
    // The window opens now: until here, and while it was heard, nobody has connected.
    expect(cuff.connections).toBe(0);
    hub.desk.open("cuff");
    await until(() => record.readings.length === 1, "the reading that waited is taken once it is paired");
  });

  it("a sensor that lost its bond is reported once and never paired in silence, and in a window it is", async () => {
    const sensor = startCuff();
    const hub = await startHub();
    await pair(hub, sensor);
    await measure(sensor.cuff);
    sensor.smp.forget();
    sensor.cuff.measure(VALUES);
    await until(() => record.reports.length > 0, "the loss is reported");
    expect(record.reports).toEqual([
      {
        code: "bond-lost",
        message: expect.stringContaining(
          "sensor cuff: the sensor has forgotten its bond with this hub; open a pairing",
        ),
        detail: { sensor: "cuff" },
      },
    ]);
    expect([sensor.smp.pairings, record.readings.length]).toEqual([1, 1]);
    await pair(hub, sensor);
    await until(() => record.readings.length === 2, "the reading that waited is taken");
    expect(sensor.smp.pairings).toBe(2);
    expect(record.reports).toHaveLength(2);
    expect(record.reports[1]).toMatchObject({ code: "bond-lost", detail: { state: "recovered" } });
  });

  it("a sensor whose bond was removed here is read no more", async () => {
    const sensor = startCuff();
    const hub = await startHub();
    await pair(hub, sensor);
    await measure(sensor.cuff);
    await hub.desk.forget("cuff");
    const { connections } = sensor.cuff;
    const seen = hub.scheduler.status().sensors[0]?.lastSeen;
    sensor.cuff.measure(VALUES);
    await until(() => hub.scheduler.status().sensors[0]?.lastSeen !== seen, "the hub hears the cuff");
    expect([sensor.cuff.connections, record.readings.length]).toEqual([connections, 1]);
  });
});

describe("a bonded sensor", () => {
  it("loses nothing that it indicates right after the connection: it remembers its subscription", async () => {
    const sensor = startCuff();
    const hub = await startHub();
    await pair(hub, sensor);
    await measure(sensor.cuff);
    await stopHub(hub);
    await startHub();
    sensor.cuff.setFaults({ earlyIndication: true });
    for (let again = 0; again < 3; again++) await measure(sensor.cuff);
    expect(record.readings).toHaveLength(4);
    expect(sensor.cuff.truth.map(({ valueHex }) => valueHex)).toEqual(record.readings.map(({ hex }) => hex));
    expect(sensor.cuff.waiting).toBe(0);
  });

  it("may ask for security first: it gets its stored key and no second pairing", async () => {
    const sensor = startCuff({ requestsSecurity: true, refusesRepairing: true });
    const hub = await startHub();
    await pair(hub, sensor);
    for (let again = 0; again < 3; again++) await measure(sensor.cuff);
    expect(sensor.smp.pairings).toBe(1);
    expect(record.readings).toHaveLength(3);
  });
});
