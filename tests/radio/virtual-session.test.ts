import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNobleRadio } from "../../drivers/ble/noble-radio.ts";
import type { Bond } from "../../drivers/ble/security/bond.ts";
import type { BondStore } from "../../drivers/ble/security/bond-store.ts";
import { createBonding } from "../../drivers/ble/security/bonding.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { channelId } from "../../protocol/ids.ts";
import type { Advertisement, BleRadio } from "../../protocol/ports/radio.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { millis } from "../../protocol/time.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { clock, heard, never, nextOf, radioOn, time, valuesOf } from "./hub-side.ts";
import { MEASUREMENT_HANDLE, startAdapter, startCuff, type VirtualAdapter } from "./virtual-home.ts";

const MEASUREMENT = channelId("2a35");
const DATE_TIME = channelId("2a08");
const BATTERY = channelId("2a19");
const CUFF = "c4:f3:12:53:f2:c9";
const READING = "167c0056006100e807060f11111b33000000";

let adapter: VirtualAdapter;
let radio: BleRadio;

const hear = (address: string): Promise<Advertisement> => heard(radio, (one) => one.address === address);
const connect = async (address: string): Promise<BleLink> => radio.connect(await hear(address), never);
const failed = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );

beforeEach(async () => {
  adapter = await startAdapter();
  radio = radioOn(adapter.path);
  await radio.start(never);
});
afterEach(async () => {
  await radio[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
});

describe("a session of the hub with a cuff", () => {
  it("takes a measurement, sets the clock and hangs up", async () => {
    await using cuff = startCuff(adapter.air, CUFF);
    const link = await connect(CUFF);
    expect(cuff.link?.parameters).toMatchObject({ latency: 0, timeout: 500 });
    expect(cuff.link?.parameters.interval).toBeGreaterThanOrEqual(24);
    expect(cuff.link?.parameters.interval).toBeLessThanOrEqual(40);
    await link.subscribe(MEASUREMENT, never);
    const outcome = cuff.gatt?.indicate("2a35", fromHex(READING));
    const value = await nextOf(valuesOf(link));
    expect([value.channel, toHex(value.bytes)]).toEqual([MEASUREMENT, READING]);
    value.confirm();
    expect(await outcome).toBe("confirmed");
    await link.write(DATE_TIME, fromHex("ea07060f0d0000"), never);
    expect(cuff.written.map(toHex)).toEqual(["ea07060f0d0000"]);
    expect(await link.read(BATTERY, never)).toEqual(fromHex("57"));
    await link[Symbol.asyncDispose]();
    await until(() => cuff.ends.length === 1, "the cuff noticed");
    expect(radio.state).toBe("ready");
  });

  it("confirms nothing before it is told to", async () => {
    await using cuff = startCuff(adapter.air, CUFF);
    const link = await connect(CUFF);
    await link.subscribe(MEASUREMENT, never);
    const outcome = cuff.gatt?.indicate("2a35", fromHex(READING));
    const value = await nextOf(valuesOf(link));
    await link.read(BATTERY, never);
    expect(cuff.received.some(({ hex }) => hex === "1e")).toBe(false);
    value.confirm();
    expect(await outcome).toBe("confirmed");
    await link[Symbol.asyncDispose]();
  });

  it("gets an indication that comes before anything was discovered", async () => {
    await using cuff = startCuff(adapter.air, CUFF, {
      greet: (link) => link.send(4, fromHex(`1d${MEASUREMENT_HANDLE}${READING}`)),
    });
    const link = await connect(CUFF);
    const early = await nextOf(valuesOf(link));
    expect([early.channel, toHex(early.bytes)]).toEqual([MEASUREMENT, READING]);
    expect(cuff.received.some(({ hex }) => hex === "1e")).toBe(false);
    early.confirm();
    await until(() => cuff.received.some(({ hex }) => hex === "1e"), "the cuff got its confirmation");
    await link[Symbol.asyncDispose]();
  });

  it("surfaces the ATT error of a subscription, and can go on", async () => {
    const faults = {
      errorFor: (operation: string) => (operation === "subscribe" ? 0x05 : null),
      answerAfter: () => millis(0),
    };
    await using _cuff = startCuff(adapter.air, CUFF, { faults });
    const link = await connect(CUFF);
    expect(await failed(link.subscribe(MEASUREMENT, never))).toMatchObject({
      code: "ble-att-error",
      context: { attError: 5 },
      message: expect.stringContaining("pair the sensor with this hub"),
    });
    expect(await link.read(BATTERY, never)).toEqual(fromHex("57"));
    await link[Symbol.asyncDispose]();
  });

  it("ends when the sensor hangs up in the middle, and the next one works", async () => {
    await using cuff = startCuff(adapter.air, CUFF);
    const link = await connect(CUFF);
    await link.subscribe(MEASUREMENT, never);
    cuff.link?.disconnect();
    expect(await Array.fromAsync(link.incoming)).toEqual([]);
    expect(link.lost.reason).toMatchObject({ code: "ble-disconnected", message: expect.stringContaining("hung up") });
    expect(await failed(link.read(BATTERY, never))).toMatchObject({ code: "ble-disconnected" });
    await link[Symbol.asyncDispose]();
    await link[Symbol.asyncDispose]();
    const next = await connect(CUFF);
    expect(await next.read(BATTERY, never)).toEqual(fromHex("57"));
    await next[Symbol.asyncDispose]();
  });

  it("answers a sensor that asks for other connection parameters", async () => {
    await using cuff = startCuff(adapter.air, CUFF);
    const link = await connect(CUFF);
    cuff.link?.send(5, fromHex("12 07 0800 5000 7800 0000 f401"));
    await until(() => cuff.received.find(({ channel }) => channel === 5), "the hub answered");
    expect(cuff.received.find(({ channel }) => channel === 5)?.hex).toBe("130702000000");
    await link[Symbol.asyncDispose]();
  });

  it("runs beside a second one, and beside a scan", async () => {
    await using _first = startCuff(adapter.air, CUFF);
    const one = await connect(CUFF);
    await using _second = startCuff(adapter.air, "c4:f3:12:53:f2:ca");
    const other = await connect("c4:f3:12:53:f2:ca");
    await using _third = startCuff(adapter.air, "c4:f3:12:53:f2:cb");
    await hear("c4:f3:12:53:f2:cb");
    expect(await Promise.all([one.read(BATTERY, never), other.read(BATTERY, never)])).toEqual([
      fromHex("57"),
      fromHex("57"),
    ]);
    expect([one.lost.aborted, other.lost.aborted]).toEqual([false, false]);
  });
});

describe("encryption of a link", () => {
  const KEY = fromHex("000102030405060708090a0b0c0d0e0f");

  it("is refreshed with the stored key when a bonded sensor asks for security in mid-session", async () => {
    await radio[Symbol.asyncDispose]();
    const bond: Bond = {
      ltk: toHex(KEY),
      ediv: 0x1234,
      rand: "0102030405060708",
      irk: null,
      identity: { address: CUFF, type: "public" },
      secureConnections: false,
      association: "just-works",
      authenticated: false,
      pairedAt: null,
    };
    const store: BondStore = {
      get: (address) => (address === CUFF ? bond : null),
      all: () => [bond],
      revision: 1,
      put: () => Promise.reject(new Error("nobody pairs")),
      remove: () => Promise.reject(new Error("nobody forgets")),
    };
    const security = createBonding({
      store,
      clock,
      time,
      securityOf: () => ({ bonded: true, authenticated: false, name: "cuff" }),
      windowFor: () => null,
      onBonded: () => undefined,
      onBondLost: () => undefined,
      random: (octets) => new Uint8Array(octets),
    });
    const uart = { type: "uart", path: adapter.path, baudRate: 115_200 } as const;
    radio = createNobleRadio({ adapter: uart, clock, time, logger: silentLogger, security });
    await radio.start(never);
    await using cuff = startCuff(adapter.air, CUFF, { key: KEY });
    const link = await connect(CUFF);
    expect([cuff.link?.encrypted, cuff.keysAsked]).toEqual([true, 1]);
    for (const asked of [2, 3]) {
      // Security Request: bonding, Secure Connections (Core Vol 3 Part H 3.6.7).
      cuff.link?.send(6, fromHex("0b09"));
      await until(() => cuff.keysAsked === asked, "the key is asked for again");
      expect(await link.read(BATTERY, never)).toEqual(fromHex("57"));
    }
    expect(cuff.received.filter(({ channel }) => channel === 6)).toEqual([]);
    await link[Symbol.asyncDispose]();
  });

  it.each([
    ["the key that the sensor has", KEY, 0x00],
    ["another key", new Uint8Array(16), 0x06],
  ])("is started with %s, and its outcome told", async (_what, key, expected) => {
    await radio[Symbol.asyncDispose]();
    const statuses: number[] = [];
    radio = createNobleRadio({
      adapter: { type: "uart", path: adapter.path, baudRate: 115_200 },
      clock,
      time,
      logger: silentLogger,
      security: {
        identityOf: (address) => address,
        secure: async ({ encrypt, local, peer }, signal) => {
          expect([local.address, peer.address]).toEqual(["00:1b:dc:07:32:10", CUFF]);
          statuses.push(await encrypt(new Uint8Array(8), new Uint8Array(2), key, signal));
        },
      },
    });
    await radio.start(never);
    await using cuff = startCuff(adapter.air, CUFF, { key: KEY });
    const link = await connect(CUFF);
    expect([statuses, cuff.link?.encrypted]).toEqual([[expected], expected === 0]);
    await link[Symbol.asyncDispose]();
  });
});
