import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNobleRadio } from "../../drivers/ble/noble-radio.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { channelId } from "../../protocol/ids.ts";
import type { Advertisement, BleRadio } from "../../protocol/ports/radio.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { millis } from "../../protocol/time.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { clock, heard, never, radioOn, time } from "./hub-side.ts";
import { startAdapter, startCuff, type VirtualAdapter } from "./virtual-home.ts";

const BATTERY = channelId("2a19");
const CUFF = "c4:f3:12:53:f2:c9";

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

describe("what goes wrong", () => {
  it("gives up a sensor that is not there any more, and connects to another right after", async () => {
    await radio[Symbol.asyncDispose]();
    radio = createNobleRadio({
      adapter: { type: "uart", path: adapter.path, baudRate: 115_200 },
      clock,
      time,
      logger: silentLogger,
      connectDeadline: millis(300),
    });
    await radio.start(never);
    const cuff = startCuff(adapter.air, CUFF);
    const advertisement = await hear(CUFF);
    await cuff[Symbol.asyncDispose]();
    for (let i = 0; i < 3; i++) {
      expect(await failed(radio.connect(advertisement, never))).toMatchObject({ code: "ble-timeout" });
    }
    expect(radio.state).toBe("ready");
    await using _there = startCuff(adapter.air, "c4:f3:12:53:f2:ca");
    const link = await connect("c4:f3:12:53:f2:ca");
    expect(await link.read(BATTERY, never)).toEqual(fromHex("57"));
  });

  it("gives up an attempt at once when it is told to", async () => {
    const cuff = startCuff(adapter.air, CUFF);
    const advertisement = await hear(CUFF);
    await cuff[Symbol.asyncDispose]();
    const stop = new AbortController();
    const attempt = failed(radio.connect(advertisement, stop.signal));
    stop.abort(new Error("stopped by the test"));
    expect(await attempt).toMatchObject({ message: "stopped by the test" });
    expect(radio.state).toBe("ready");
    await using _there = startCuff(adapter.air, "c4:f3:12:53:f2:ca");
    const link = await connect("c4:f3:12:53:f2:ca");
    expect(link.lost.aborted).toBe(false);
  });

  it("does one thing at a time, and says so", async () => {
    await using _cuff = startCuff(adapter.air, CUFF);
    const advertisement = await hear(CUFF);
    const stop = new AbortController();
    const scanning = radio.scan(stop.signal)[Symbol.asyncIterator]();
    await scanning.next();
    expect(await failed(radio.connect(advertisement, never))).toMatchObject({ code: "invalid-argument" });
    stop.abort();
    await scanning.next();
  });

  it("survives the unplugging of the adapter in the middle of a session and a scan, and starts again", async () => {
    await using _cuff = startCuff(adapter.air, CUFF);
    const link = await connect(CUFF);
    const scan = radio.scan(never)[Symbol.asyncIterator]();
    const scanning = failed(scan.next());
    await until(() => adapter.controller.scanning, "the controller scans");
    await adapter.unplug();
    expect(await scanning).toMatchObject({ code: "adapter-absent" });
    await until(() => link.lost.aborted, "the link is lost");
    expect(link.lost.reason).toMatchObject({ code: "ble-disconnected" });
    expect(radio.state).toBe("absent");
    expect(radio.trouble).toContain("plug the adapter in");
    expect(await failed(radio.start(never))).toMatchObject({ code: "adapter-absent" });
    expect(await failed(scan.next().then(({ done }) => done))).toMatchObject({ message: "it did not fail" });
  });

  it("is ready again when a wedged adapter answers a new scan", { timeout: 30_000 }, async () => {
    await using _cuff = startCuff(adapter.air, CUFF);
    const stop = new AbortController();
    const scan = radio.scan(stop.signal)[Symbol.asyncIterator]();
    await scan.next();
    adapter.controller.wedge(true);
    stop.abort();
    await scan.next();
    expect([radio.state, radio.trouble]).toEqual(["wedged", expect.stringContaining("no answer to the end of a scan")]);
    expect(await failed(radio.scan(never)[Symbol.asyncIterator]().next())).toMatchObject({ code: "adapter-wedged" });
    adapter.controller.wedge(false);
    expect((await hear(CUFF)).address).toBe(CUFF);
    expect([radio.state, radio.trouble]).toEqual(["ready", null]);
  });

  it("ends the links of the old binding when a wedged adapter is started anew", { timeout: 30_000 }, async () => {
    await using _cuff = startCuff(adapter.air, CUFF);
    const link = await connect(CUFF);
    await using _other = startCuff(adapter.air, "c4:f3:12:53:f2:ca");
    const stop = new AbortController();
    const scan = radio.scan(stop.signal)[Symbol.asyncIterator]();
    await scan.next();
    adapter.controller.wedge(true);
    stop.abort();
    expect(await scan.next()).toEqual({ value: undefined, done: true });
    expect([radio.state, link.lost.aborted]).toEqual(["wedged", false]);
    adapter.controller.wedge(false);
    await radio.start(never);
    expect([radio.state, link.lost.aborted]).toEqual(["ready", true]);
    expect(await (await connect(CUFF)).read(BATTERY, never)).toEqual(fromHex("57"));
  });

  it("settles an attempt to connect when it is disposed of", async () => {
    const cuff = startCuff(adapter.air, CUFF);
    const advertisement = await hear(CUFF);
    await cuff[Symbol.asyncDispose]();
    const attempt = failed(radio.connect(advertisement, never));
    await radio[Symbol.asyncDispose]();
    expect(await attempt).toMatchObject({ code: "ble-disconnected" });
    expect(radio.state).toBe("off");
  });

  it.each([
    ["empty packets", 4, ["", "1b", "1d01", "01", "03", "11", "09", "09 00"]],
    ["signals cut short", 5, ["", "12", "1201", "12010800", "1201080018002800", "ff"]],
    [
      "pairing that nobody asked for",
      6,
      ["", "03", "04", `03${"aa".repeat(16)}`, `04${"bb".repeat(16)}`, "02", "06", "0b"],
    ],
    ["a channel that does not exist", 99, ["", "00", "ff".repeat(40)]],
  ])("goes on when a peer sends %s", async (_what, channel, packets) => {
    await using cuff = startCuff(adapter.air, CUFF);
    const link = await connect(CUFF);
    for (const packet of packets) cuff.link?.send(channel, fromHex(packet));
    expect(await link.read(BATTERY, never)).toEqual(fromHex("57"));
    await link[Symbol.asyncDispose]();
    expect((await connect(CUFF)).lost.aborted).toBe(false);
  });

  it("goes on when a peer sends noise on every channel", async () => {
    const seed = 4242;
    const dice = createChance(seed);
    await using cuff = startCuff(adapter.air, CUFF);
    for (let i = 0; i < 20; i++) {
      const link = await connect(CUFF);
      for (let j = 0; j < 20; j++) cuff.link?.send(dice.whole(4, 6), dice.bytes(dice.whole(0, 30)));
      await link[Symbol.asyncDispose]();
      expect(radio.state, `seed ${seed}`).toBe("ready");
    }
  });

  it("goes on when its adapter sends events that are cut short", async () => {
    for (const hex of [
      "040500",
      "040800",
      "040e00",
      "040f00",
      "041300",
      "043e00",
      "043e0101",
      "0200000000",
      "02400001001d",
    ]) {
      await adapter.line.write(fromHex(hex));
    }
    await using _cuff = startCuff(adapter.air, CUFF);
    expect(await (await connect(CUFF)).read(BATTERY, never)).toEqual(fromHex("57"));
  });

  it("goes on when somebody advertises nonsense, with extended reports too", async () => {
    await using second = await startAdapter({ extended: true });
    await using other = radioOn(second.path);
    await other.start(never);
    const nonsense = ["010a", "02 ff", "00", "0101", "ff", "0303", "1107", "010a 0101"];
    for (const [where, line] of [
      ["legacy", adapter.line],
      ["extended", second.line],
    ] as const) {
      for (const hex of nonsense) {
        const data = fromHex(hex);
        const length = toHex(Uint8Array.of(data.length));
        const body =
          where === "legacy"
            ? `02010000 c9f25312f3c4 ${length} ${toHex(data)} c4`
            : `0d011300 00 c9f25312f3c4 01 00 ff 7f c4 0000 00 000000000000 ${length} ${toHex(data)}`;
        const bytes = fromHex(body);
        await line.write(Uint8Array.of(0x04, 0x3e, bytes.length, ...bytes));
      }
    }
    await using _cuff = startCuff(adapter.air, CUFF);
    await using _elsewhere = startCuff(second.air, "c4:f3:12:53:f2:cc");
    expect((await heard(radio, ({ services }) => services.includes("1810"))).address).toBe(CUFF);
    expect((await heard(other, ({ services }) => services.includes("1810"))).address).toBe("c4:f3:12:53:f2:cc");
  });
});
