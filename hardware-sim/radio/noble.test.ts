import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";
import { until } from "../../tests/support/until.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { type BloodPressureCuff, createBloodPressureCuff } from "../gatt/blood-pressure-cuff.ts";
import { openPty, type Pty } from "../pty/pty.ts";
import { radioAddress } from "./address.ts";
import { type Air, createAir } from "./air.ts";
import { createSmpResponder } from "./smp/smp-responder.ts";
import { createVirtualController, type VirtualController } from "./virtual-controller.ts";

/** The parts of the published noble that these tests use, as it is installed. */
interface Characteristic {
  readonly uuid: string;
  readonly properties: readonly string[];
  readAsync(): Promise<Buffer>;
  writeAsync(data: Buffer, withoutResponse: boolean): Promise<void>;
  subscribeAsync(): Promise<void>;
  once(event: "data", listener: (data: Buffer) => void): void;
}
interface Peripheral {
  readonly address: string;
  readonly advertisement: { readonly localName: string; readonly serviceUuids: readonly string[] };
  readonly mtu: number | null;
  connectAsync(parameters: object): Promise<void>;
  disconnectAsync(): Promise<void>;
  discoverAllServicesAndCharacteristicsAsync(): Promise<{ readonly characteristics: readonly Characteristic[] }>;
  once(event: "disconnect", listener: () => void): void;
  updateRssiAsync(): Promise<number>;
}
interface Noble {
  waitForPoweredOnAsync(): Promise<void>;
  startScanningAsync(services: readonly string[], allowDuplicates: boolean): Promise<void>;
  stopScanningAsync(): Promise<void>;
  once(event: "discover", listener: (peripheral: Peripheral) => void): void;
  stop(): void;
}

const { withBindings } = createRequire(import.meta.url)("noble") as {
  withBindings(name: "hci", options: object): Noble;
};

/** Interval 30 to 50 ms, supervision timeout 5 s: noble's own default timeout is 420 ms. */
const PARAMETERS = { minInterval: 24, maxInterval: 40, latency: 0, timeout: 500 };
const SESSIONS = 20;

const CUFF = {
  address: radioAddress("00:00:5e:00:53:10"),
  identity: {
    manufacturer: "A&D Medical",
    model: "UA-651BLE",
    serial: "5140100001",
    firmware: "BLP009_d019_013",
    systemId: "00005efffe005310",
  },
  interval: millis(20),
} as const;

/** What the controller offers makes noble use its legacy or its extended commands, and whole or cut ACL packets. */
describe.each([
  { commands: "legacy", extended: false, aclOctets: 251 },
  { commands: "extended", extended: true, aclOctets: 27 },
])("the published noble with $commands commands and ACL packets of $aclOctets octets", ({ extended, aclOctets }) => {
  let pty: Pty;
  let air: Air;
  let controller: VirtualController;
  let noble: Noble;
  let cuff: BloodPressureCuff;

  beforeAll(async () => {
    pty = await openPty();
    air = createAir({ clock: createRealClock(), seed: 11 });
    controller = createVirtualController({
      line: pty,
      air,
      address: radioAddress("00:00:5e:00:53:01"),
      extended,
      aclOctets,
    });
    cuff = createBloodPressureCuff({ ...CUFF, air, afterwards: "stay" });
    noble = withBindings("hci", {
      hciDriver: "uart",
      bindParams: { uart: { port: pty.path, baudRate: 1_000_000 } },
    });
    await noble.waitForPoweredOnAsync();
  });

  afterAll(async () => {
    noble.stop();
    await cuff.close();
    await controller.close();
    await pty.close();
  });

  const find = async (): Promise<Peripheral> => {
    const found = new Promise<Peripheral>((resolve) => noble.once("discover", resolve));
    await noble.startScanningAsync(["1810"], true);
    const peripheral = await found;
    await noble.stopScanningAsync();
    return peripheral;
  };

  const characteristicsOf = async (peripheral: Peripheral): Promise<(uuid: string) => Characteristic> => {
    const { characteristics } = await peripheral.discoverAllServicesAndCharacteristicsAsync();
    return (uuid) => {
      const found = characteristics.find((one) => one.uuid === uuid);
      if (found === undefined) throw new Error(`noble did not discover ${uuid}`);
      return found;
    };
  };

  it(`scans, connects, discovers, reads, subscribes and gets its indication, ${SESSIONS} times in a row`, async () => {
    for (let session = 1; session <= SESSIONS; session++) {
      const record = cuff.measure({ systolic: 100 + session, diastolic: 80, pulse: 60, status: {} });
      const peripheral = await find();
      expect(peripheral.address).toBe(CUFF.address.address);
      expect(peripheral.advertisement).toMatchObject({ localName: "UA-651BLE", serviceUuids: ["1810"] });
      await peripheral.connectAsync(PARAMETERS);
      const characteristic = await characteristicsOf(peripheral);
      expect(toHex(await characteristic("2a19").readAsync())).toBe("5a");
      const received = new Promise<Buffer>((resolve) => characteristic("2a35").once("data", resolve));
      await characteristic("2a35").subscribeAsync();
      expect(toHex(await received)).toBe(record.valueHex);
      // noble's disconnect would overtake its own confirmation, which passes through two more promises.
      await until(() => record.confirmedAt !== null, "the cuff has its confirmation");
      await peripheral.disconnectAsync();
      expect(record.sent).toBe(1);
    }
    expect(cuff.truth.filter(({ confirmedAt }) => confirmedAt !== null)).toHaveLength(SESSIONS);
    expect(cuff.connections).toBe(SESSIONS);
    expect(controller.links).toBe(0);
    expect([...controller.unknownCommands]).toEqual([]);
  }, 60_000);

  it("reads the device information and the clock, sets the clock, and reads the signal strength", async () => {
    cuff.wake();
    const peripheral = await find();
    await peripheral.connectAsync(PARAMETERS);
    const characteristic = await characteristicsOf(peripheral);
    const text = async (uuid: string): Promise<string> => (await characteristic(uuid).readAsync()).toString();
    expect(await text("2a29")).toBe("A&D Medical");
    expect(await text("2a24")).toBe("UA-651BLE");
    expect(await text("2a25")).toBe("5140100001");
    expect(toHex(await characteristic("2a23").readAsync())).toBe("105300feff5e0000");
    expect(await characteristic("2a2b").readAsync()).toHaveLength(10);
    await characteristic("2a2b").writeAsync(Buffer.from("e807060f11111b060000", "hex"), false);
    expect(cuff.clockText?.slice(0, 16)).toBe("2024-06-15T17:17");
    expect(await peripheral.updateRssiAsync()).toBeLessThan(-50);
    await peripheral.disconnectAsync();
  });

  it("learns that the sensor hung up", async () => {
    cuff.wake();
    const peripheral = await find();
    await peripheral.connectAsync(PARAMETERS);
    await characteristicsOf(peripheral);
    const over = new Promise<void>((resolve) => peripheral.once("disconnect", resolve));
    cuff.setFaults({ dropMidIndication: 1 });
    cuff.measure({ systolic: 120, diastolic: 80 });
    const characteristic = await characteristicsOf(peripheral);
    characteristic("2a35")
      .subscribeAsync()
      .catch(() => undefined);
    await over;
    cuff.setFaults({ dropMidIndication: 0 });
    expect(controller.links).toBe(0);
  });

  it("pairs Just Works with a cuff that demands encryption, and gets its indication", async () => {
    const smp = createSmpResponder({
      clock: air.clock,
      chance: air.chance.fork("smp"),
      io: "no-input-no-output",
      secureConnections: true,
      mitm: false,
    });
    await using bonded = createBloodPressureCuff({
      ...CUFF,
      address: radioAddress("c0:00:5e:00:53:11", "random"),
      air,
      security: "encrypted",
      smp,
    });
    const record = bonded.measure({ systolic: 131, diastolic: 83 });
    const peripheral = await find();
    await peripheral.connectAsync(PARAMETERS);
    const characteristic = await characteristicsOf(peripheral);
    const received = new Promise<Buffer>((resolve) => characteristic("2a35").once("data", resolve));
    await characteristic("2a35").subscribeAsync();
    expect(toHex(await received)).toBe(record.valueHex);
    expect(smp.pairings).toBe(1);
    await peripheral.disconnectAsync();
  });
});
