import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pty } from "../../hardware-sim/pty/pty.ts";
import { isHubError } from "../../protocol/errors.ts";
import { channelId } from "../../protocol/ids.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type BlenoCuff, startBlenoCuff } from "./bleno-process.ts";
import { type BondedHub, emptyRecord, type HubRecord, startBondedHub, testCuff } from "./bonded-hub.ts";
import { type Btvirt, startBtvirt } from "./btvirt.ts";
import { heard, never, radioOn } from "./hub-side.ts";

const [btvirt, cc] = [requirement("btvirt"), requirement("cc")];
const missing = [btvirt.reason, cc.reason].filter((reason) => reason !== null).join("; ");
const title = "a bonded sensor on a peripheral stack and a controller of others (legacy pairing)";

const BATTERY = channelId("2a19");
const MEASUREMENTS = ["167c0056006100e807060f11111b33000000", "16780050006200e807060f12111b33000000"];

describe.skipIf(missing !== "")(missing === "" ? title : `${title} [skipped: ${missing}]`, () => {
  let emulator: Btvirt;
  let cuff: BlenoCuff;
  let hubPort: Pty;
  let folder: string;
  let record: HubRecord;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "hemhub-btvirt-bonds-"));
    record = emptyRecord();
    emulator = await startBtvirt();
    hubPort = await emulator.controller();
    cuff = startBlenoCuff(await emulator.controller(), [hubPort], "bonded");
    await toldOf("advertising");
  });
  afterEach(async () => {
    await cuff[Symbol.asyncDispose]();
    await emulator[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const count = (event: string): number => cuff.told.filter((one) => one.event === event).length;
  const toldOf = (event: string, times = 1): Promise<boolean> =>
    until(() => count(event) >= times, `the cuff told ${times} x ${event}`);

  /** The address that the emulator gave the cuff. The battery is not for those who are not bonded. */
  const stranger = async (): Promise<string> => {
    await using radio = radioOn(hubPort.path);
    await radio.start(never);
    const advertisement = await heard(radio, ({ services }) => services.includes("1810"));
    const link = await radio.connect(advertisement, never);
    const refused = await link.read(BATTERY, never).catch((thrown: unknown) => thrown);
    expect(isHubError(refused, "ble-att-error") && refused.context.attError).toBe(0x05);
    await link[Symbol.asyncDispose]();
    await toldOf("disconnected");
    return advertisement.address;
  };
  const startHub = (address: string): Promise<BondedHub> =>
    startBondedHub({ path: hubPort.path, folder, sensors: [testCuff({ address })], record });
  /** The hub has taken `times` sessions' readings; the cuff stays connected until the hub hangs up. */
  const taken = (times: number): Promise<boolean> =>
    until(() => record.readings.length >= 2 * times, `${2 * times} readings are taken`);

  it("is paired in its window once, and read with the stored key in every later life of the hub", async () => {
    const address = await stranger();
    {
      await using hub = await startHub(address);
      hub.desk.open("cuff");
      await until(() => hub.desk.view("cuff").stage.tag === "paired", "the cuff is paired");
      expect(hub.desk.bond("cuff")).toMatchObject({ method: "LE legacy pairing, Just Works", authenticated: false });
      await taken(1);
    }
    for (let life = 2; life <= 4; life++) {
      await using _hub = await startHub(address);
      await taken(life);
    }
    expect(record.readings.map(({ hex }) => hex)).toEqual([1, 2, 3, 4].flatMap(() => MEASUREMENTS));
    expect(record.reports).toEqual([]);
    expect([count("paired"), count("encrypting")]).toEqual([1, 4]);
  });

  it("is reported when it has lost its key, and paired anew in a window only", async () => {
    const address = await stranger();
    {
      await using hub = await startHub(address);
      hub.desk.open("cuff");
      await taken(1);
    }
    cuff.say("forget");
    await toldOf("forgotten");
    await using hub = await startHub(address);
    await until(() => record.reports.length > 0, "the loss is reported");
    expect(record.reports).toMatchObject([{ code: "bond-lost", detail: { sensor: "cuff" } }]);
    expect([count("paired"), record.readings.length]).toEqual([1, 2]);
    await toldOf("disconnected", 3);
    hub.desk.open("cuff");
    const seen = (): number => hub.scheduler.status().sensors[0]?.lastSeen?.monoMs ?? 0;
    // Heard once for each press; while the hub still pauses after the failure, that once is not enough.
    for (let before = seen(); count("paired") < 2; before = seen()) {
      cuff.say("button");
      await until(() => seen() !== before || count("paired") === 2, "the hub hears the cuff");
    }
    await taken(2);
    expect(count("paired")).toBe(2);
  });
});
