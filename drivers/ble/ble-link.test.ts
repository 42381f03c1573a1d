import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { HubError, isHubError } from "../../protocol/errors.ts";
import { channelId } from "../../protocol/ids.ts";
import type { BleLink, Received } from "../../protocol/ports/transport.ts";
import { seconds } from "../../protocol/time.ts";
import { createFarEnd, LONG_VALUE } from "../../tests/radio/far-end.ts";
import { openBleLink } from "./ble-link.ts";
import type { LinkSecurity } from "./link-security.ts";
import { INBOX_LIMIT } from "./value-inbox.ts";

const MEASUREMENT = channelId("2a35");
const BATTERY = channelId("2a19");
const DATE_TIME = channelId("2a08");
const LONG_TEXT = channelId("2a29");
const never = new AbortController().signal;

let clock: SimulatedClock;
let far: ReturnType<typeof createFarEnd>;
let unended: number;
const links: BleLink[] = [];

const open = async (security: LinkSecurity | null = null): Promise<BleLink> => {
  const opening = openBleLink(
    far.connection,
    { clock, time: clock, offeredMtu: 247, security, unended: () => unended++ },
    never,
  );
  opening.then((link) => links.push(link)).catch(() => undefined);
  await clock.advance(seconds(0));
  return opening;
};

const identityOf = (address: string): string => address;

const failing = async (work: Promise<unknown>): Promise<unknown> => {
  const caught = work.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  await clock.advance(seconds(0));
  return caught;
};

const next = async (values: AsyncIterator<Received>): Promise<Received> => {
  const { value, done } = await values.next();
  if (done === true) throw new Error("the connection ended");
  return value;
};

beforeEach(() => {
  clock = createSimulatedClock();
  far = createFarEnd(clock);
  unended = 0;
});
afterEach(async () => {
  for (const link of links.splice(0)) await link[Symbol.asyncDispose]();
  expect(clock.sleeping).toBe(0);
});

describe("a BLE link", () => {
  it("knows every characteristic of the sensor, with its service and properties", async () => {
    const link = await open();
    expect(link.characteristics.map(({ service, channel, properties }) => [service, channel, ...properties])).toEqual([
      ["1800", "2a00", "read"],
      ["1810", "2a35", "notify", "indicate"],
      ["1810", "2a49", "read"],
      ["1810", "2a08", "read", "write"],
      ["180f", "2a19", "read", "notify"],
      ["180a", "2a29", "read"],
      ["6e400001b5a3f393e0a9e50e24dcca9e", "6e400002b5a3f393e0a9e50e24dcca9e", "write-without-response"],
    ]);
    expect([link.has(MEASUREMENT), link.has(channelId("2a5f"))]).toEqual([true, false]);
  });

  it("reads a value, also one that is longer than a packet", async () => {
    const link = await open();
    expect(toHex(await link.read(BATTERY, never))).toBe("57");
    expect(await link.read(LONG_TEXT, never)).toEqual(LONG_VALUE);
  });

  it("writes a value, and with a command where the sensor has only that", async () => {
    const link = await open();
    await link.write(DATE_TIME, fromHex("ea07060f0d0000"), never);
    expect(far.written).toEqual(["ea07060f0d0000"]);
    await link.write(channelId("6e400002b5a3f393e0a9e50e24dcca9e"), fromHex("0102"), never);
    expect(far.toSensor.at(-1)).toMatch(/^4 52....0102$/);
  });

  it("refuses a value that does not fit a packet", async () => {
    const link = await open();
    expect(await failing(link.write(DATE_TIME, new Uint8Array(300), never))).toMatchObject({
      code: "invalid-argument",
    });
  });

  it.each([
    ["write 2a08", (link: BleLink) => link.write(DATE_TIME, fromHex("00"), never)],
    ["subscribe 2a35", (link: BleLink) => link.subscribe(MEASUREMENT, never)],
    ["read 2a19", (link: BleLink) => link.read(BATTERY, never)],
  ])("surfaces the ATT error of a %s", async (operation, act) => {
    const link = await open();
    far.errors.set(operation, 0x80);
    const [verb = "", uuid = ""] = operation.split(" ");
    far.errors.set(`${verb} 0000${uuid}00001000800000805f9b34fb`, 0x80);
    const thrown = await failing(act(link));
    expect(isHubError(thrown, "ble-att-error") && thrown.context.attError).toBe(0x80);
  });

  it("says so when the sensor does not have a characteristic, or one cannot be subscribed to", async () => {
    const link = await open();
    expect(await failing(link.read(channelId("2a5f"), never))).toMatchObject({ code: "ble-att-error" });
    expect(await failing(link.subscribe(DATE_TIME, never))).toMatchObject({ code: "ble-att-error" });
  });

  it("prefers indications where a characteristic has both, because those are confirmed", async () => {
    const link = await open();
    await link.subscribe(MEASUREMENT, never);
    expect(far.gatt.subscription("2a35")).toBe("indicate");
  });

  it("confirms an indication when it is told to, once, and a notification never", async () => {
    const link = await open();
    const values = link.incoming[Symbol.asyncIterator]();
    await link.subscribe(MEASUREMENT, never);
    await link.subscribe(BATTERY, never);
    const outcome = far.gatt.indicate("2a35", fromHex("aa"));
    const first = await next(values);
    await clock.advance(seconds(5));
    expect(far.confirmations()).toBe(0);
    first.confirm();
    first.confirm();
    expect(await outcome).toBe("confirmed");
    expect(far.confirmations()).toBe(1);

    far.gatt.notify("2a19", fromHex("56"));
    const second = await next(values);
    second.confirm();
    expect([second.channel, toHex(second.bytes), far.confirmations()]).toEqual([BATTERY, "56", 1]);
  });

  it("confirms an indication while a request waits for its answer", async () => {
    const link = await open();
    const values = link.incoming[Symbol.asyncIterator]();
    const { value: handle } = far.server.handlesOf("2a35");
    far.hang();
    const read = failing(link.read(BATTERY, never));
    far.raw(4, `1d${handle.toString(16).padStart(2, "0")}00aa`);
    (await next(values)).confirm();
    expect(far.confirmations()).toBe(1);
    await clock.advance(seconds(11));
    expect(await read).toBeDefined();
  });

  it("hangs up without confirming when an indication is not stored in 25 s", async () => {
    const link = await open();
    const values = link.incoming[Symbol.asyncIterator]();
    await link.subscribe(MEASUREMENT, never);
    const outcome = far.gatt.indicate("2a35", fromHex("aa"));
    const value = await next(values);
    await clock.advance(seconds(24.9));
    expect(link.lost.aborted).toBe(false);
    await clock.advance(seconds(0.2));
    expect(link.lost.reason).toMatchObject({ code: "ble-timeout" });
    expect(await outcome).toBe("closed");
    value.confirm();
    expect(far.confirmations()).toBe(0);
  });

  it("keeps an indication that comes before discovery, and confirms it like any other", async () => {
    const { value: handle } = far.server.handlesOf("2a35");
    const opening = open();
    far.raw(4, `1d${handle.toString(16).padStart(2, "0")}00aabb`);
    const link = await opening;
    const early = await next(link.incoming[Symbol.asyncIterator]());
    expect([early.channel, toHex(early.bytes), far.confirmations()]).toEqual([MEASUREMENT, "aabb", 0]);
    early.confirm();
    expect(far.confirmations()).toBe(1);
  });

  it("confirms at once what belongs to no characteristic", async () => {
    await open();
    far.raw(4, "1dff00aabb");
    expect(far.confirmations()).toBe(1);
  });

  it("ends with an error rather than dropping a value when nobody reads", async () => {
    const link = await open();
    const { value: handle } = far.server.handlesOf("2a19");
    for (let i = 0; i <= INBOX_LIMIT; i++)
      far.raw(4, `1b${handle.toString(16).padStart(2, "0")}00${toHex(Uint8Array.of(i & 0xff))}`);
    expect(link.lost.reason).toMatchObject({ code: "ble-disconnected" });
    const seen = await Array.fromAsync(link.incoming);
    expect(seen.length).toBe(INBOX_LIMIT);
    expect(far.isEnded).toBe(true);
  });

  it("ends after what it has received when the sensor hangs up", async () => {
    const link = await open();
    const { value: handle } = far.server.handlesOf("2a19");
    far.raw(4, `1b${handle.toString(16).padStart(2, "0")}0057`);
    far.end(0x13);
    expect((await Array.fromAsync(link.incoming)).map(({ bytes }) => toHex(bytes))).toEqual(["57"]);
    expect(link.lost.reason).toMatchObject({ code: "ble-disconnected" });
    expect(String(link.lost.reason.message)).toContain("the sensor hung up");
  });

  it("settles a read that waits, and one that comes later, when the link is gone", async () => {
    const link = await open();
    far.hang();
    const waiting = failing(link.read(BATTERY, never));
    far.end(0x08);
    expect(await waiting).toMatchObject({ code: "ble-disconnected" });
    expect(await failing(link.read(BATTERY, never))).toMatchObject({ code: "ble-disconnected" });
  });

  it("hangs up when a request is not answered in 10 s", async () => {
    const link = await open();
    far.hang();
    const read = link.read(BATTERY, never).catch((thrown: unknown) => thrown);
    await clock.advance(seconds(11));
    expect(await read).toMatchObject({ code: "ble-timeout" });
    expect([link.lost.aborted, far.isEnded]).toEqual([true, true]);
  });

  it("is disposed of once, however often that is asked for", async () => {
    const link = await open();
    await Promise.all([link[Symbol.asyncDispose](), link[Symbol.asyncDispose]()]);
    await link[Symbol.asyncDispose]();
    expect(far.isEnded).toBe(true);
    expect(await Array.fromAsync(link.incoming)).toEqual([]);
  });

  it("ends by itself, and says so, when the controller never reports the end", async () => {
    const link = await open();
    far.refuseToEnd();
    const closing = link[Symbol.asyncDispose]();
    await clock.advance(seconds(8));
    await closing;
    expect([unended, far.isEnded]).toEqual([1, true]);
  });

  it.each([
    ["services without width", "11 00"],
    ["services of a strange width", "11 05 0100ff0010"],
    ["no services", "11 06"],
    ["services cut short", "11 06 0100"],
    ["services that go backwards", "11 06 0500 0100 1018"],
  ])("survives a peer that lists %s", async (_what, response) => {
    far.hang();
    const opening = openBleLink(
      far.connection,
      { clock, time: clock, offeredMtu: 247, security: null, unended: () => unended++ },
      never,
    );
    far.raw(4, "03f700");
    await clock.advance(seconds(0));
    far.raw(4, response);
    await clock.advance(seconds(0));
    const link = await opening;
    links.push(link);
    expect(link.characteristics).toEqual([]);
  });

  it("hangs up when discovery is refused, and says why", async () => {
    far.hang();
    const opening = failing(
      openBleLink(
        far.connection,
        { clock, time: clock, offeredMtu: 247, security: null, unended: () => unended++ },
        never,
      ),
    );
    far.raw(4, "03f700");
    await clock.advance(seconds(0));
    far.raw(4, "0110010005");
    expect(await opening).toMatchObject({ code: "ble-att-error", context: { attError: 5 } });
    expect(far.isEnded).toBe(true);
  });
});

describe("the place for security", () => {
  it("comes after the connection and before anything is asked of the sensor", async () => {
    const askedBefore: string[] = [];
    const link = await open({
      identityOf,
      secure: async (unsecured) => {
        askedBefore.push(...far.toSensor);
        expect(unsecured.peer).toEqual({ address: "c4:f3:12:53:f2:c9", type: "public" });
        unsecured.smp.receive((bytes) => unsecured.smp.send(Uint8Array.of(...bytes, 0xff)));
        far.raw(6, "0b01");
        expect(await unsecured.encrypt(new Uint8Array(8), new Uint8Array(2), new Uint8Array(16).fill(7), never)).toBe(
          0,
        );
      },
    });
    expect(askedBefore).toEqual([]);
    expect(far.toSensor.slice(0, 2)).toEqual(["6 0b01ff", `encrypt ${"07".repeat(16)}`]);
    expect(link.has(MEASUREMENT)).toBe(true);
  });

  it("hears later requests of the sensor too", async () => {
    await open({
      identityOf,
      secure: async ({ smp }) => smp.receive((bytes) => smp.send(bytes)),
    });
    far.raw(6, "0b09");
    expect(far.toSensor.at(-1)).toBe("6 0b09");
  });

  it("closes the link with its reason when the link may not be used", async () => {
    const refused = new HubError("bond-lost", "sensor: it has lost the bond; enrol it again");
    const opening = open({ identityOf, secure: () => Promise.reject(refused) });
    expect(await failing(opening)).toBe(refused);
    expect(far.isEnded).toBe(true);
  });

  it("settles an encryption that waits when the link is gone", async () => {
    far.connection.encrypt = () => undefined;
    const opening = failing(
      open({
        identityOf,
        secure: async ({ encrypt }) => {
          await encrypt(new Uint8Array(8), new Uint8Array(2), new Uint8Array(16), never);
        },
      }),
    );
    await clock.advance(seconds(0));
    far.end(0x08);
    expect(await opening).toMatchObject({ code: "ble-disconnected" });
  });
});
