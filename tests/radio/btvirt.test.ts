import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pty } from "../../hardware-sim/pty/pty.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { isHubError } from "../../protocol/errors.ts";
import { channelId } from "../../protocol/ids.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type BlenoCuff, startBlenoCuff } from "./bleno-process.ts";
import { type Btvirt, startBtvirt } from "./btvirt.ts";
import { heard, never, nextOf, radioOn, valuesOf } from "./hub-side.ts";

const [btvirt, cc] = [requirement("btvirt"), requirement("cc")];
const missing = [btvirt.reason, cc.reason].filter((reason) => reason !== null).join("; ");
const title = "the radio against a peripheral stack and a controller of others";

const MEASUREMENT = channelId("2a35");
const DATE_TIME = channelId("2a08");
const BATTERY = channelId("2a19");

describe.skipIf(missing !== "")(missing === "" ? title : `${title} [skipped: ${missing}]`, () => {
  let emulator: Btvirt;
  let cuff: BlenoCuff;
  let hubPort: Pty;

  beforeEach(async () => {
    emulator = await startBtvirt();
    hubPort = await emulator.controller();
    cuff = startBlenoCuff(await emulator.controller(), [hubPort]);
    await toldOf("advertising");
  });
  afterEach(async () => {
    await cuff[Symbol.asyncDispose]();
    await emulator[Symbol.asyncDispose]();
  });

  const count = (event: string): number => cuff.told.filter((one) => one.event === event).length;
  const toldOf = (event: string, times = 1): Promise<boolean> =>
    until(() => count(event) >= times, `the cuff told ${times} x ${event}`);

  it("scans, connects, discovers, subscribes, reads, writes and hangs up", async () => {
    await using radio = radioOn(hubPort.path);
    await radio.start(never);
    const advertisement = await heard(radio, ({ services }) => services.includes("1810"));
    expect(advertisement.connectable).toBe(true);

    const link = await radio.connect(advertisement, never);
    expect(link.address).toBe(advertisement.address);
    expect(link.characteristics).toContainEqual({
      service: "1810",
      channel: MEASUREMENT,
      properties: new Set(["indicate"]),
    });

    const values = valuesOf(link);
    await link.subscribe(MEASUREMENT, never);
    const first = await nextOf(values);
    expect(first.channel).toBe(MEASUREMENT);
    expect(toHex(first.bytes)).toBe("167c0056006100e807060f11111b33000000");
    first.confirm();
    const second = await nextOf(values);
    expect(toHex(second.bytes)).toBe("16780050006200e807060f12111b33000000");
    second.confirm();
    await toldOf("confirmed", 2);

    await link.write(DATE_TIME, fromHex("ea07060f0c0000"), never);
    expect(cuff.told).toContainEqual({ event: "written", hex: "ea07060f0c0000" });
    expect([...(await link.read(BATTERY, never))]).toEqual([87]);

    await link[Symbol.asyncDispose]();
    await toldOf("disconnected");
    expect((await values.next()).done).toBe(true);
  });

  it("confirms an indication only when it is told to", async () => {
    await using radio = radioOn(hubPort.path);
    await radio.start(never);
    const link = await radio.connect(await heard(radio, ({ services }) => services.includes("1810")), never);
    const values = valuesOf(link);
    await link.subscribe(MEASUREMENT, never);
    const first = await nextOf(values);
    // Packets keep their order: a confirmation sent before this read would have been told before it.
    await link.read(BATTERY, never);
    await toldOf("read");
    expect(count("confirmed")).toBe(0);

    first.confirm();
    await toldOf("confirmed");
    first.confirm();
    await link.read(BATTERY, never);
    await toldOf("read", 2);
    expect(count("confirmed")).toBe(1);
    await link[Symbol.asyncDispose]();
  });

  it("surfaces the error that the peripheral answers to a write", async () => {
    await using radio = radioOn(hubPort.path);
    await radio.start(never);
    const link = await radio.connect(await heard(radio, ({ services }) => services.includes("1810")), never);
    const refused = await link.write(DATE_TIME, fromHex("ea07"), never).catch((thrown: unknown) => thrown);
    expect(isHubError(refused, "ble-att-error") && refused.context.attError).toBe(0x0d);
    await link[Symbol.asyncDispose]();
  });

  it("connects again and again", async () => {
    await using radio = radioOn(hubPort.path);
    await radio.start(never);
    for (let session = 1; session <= 5; session++) {
      const link = await radio.connect(await heard(radio, ({ services }) => services.includes("1810")), never);
      await link.subscribe(MEASUREMENT, never);
      (await nextOf(valuesOf(link))).confirm();
      await link[Symbol.asyncDispose]();
      await toldOf("disconnected", session);
    }
    expect(radio.state).toBe("ready");
  });
});
