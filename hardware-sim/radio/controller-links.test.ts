import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { CONNECTED, CREATE, CUFF, CUFF_ON_AIR, connected, controllerBench } from "./controller-bench.ts";

describe("virtual controller, connecting", () => {
  it("answers with Command Status, and with Connection Complete at the next advertisement", async () => {
    const { say, pass, advertise } = await controllerBench();
    expect(await say(CREATE)).toEqual(["040f0400010d20"]);
    expect(await pass(1000)).toEqual([]);
    advertise();
    expect(await pass(60)).toEqual([CONNECTED]);
  });

  it("takes the extended command too", async () => {
    const { say, pass, advertise } = await controllerBench({ extended: true });
    advertise();
    const command = `0143201a000000${CUFF_ON_AIR}0160006000180028000000f40100000000`;
    expect(await say(command)).toEqual(["040f0400014320"]);
    expect(await pass(60)).toEqual([CONNECTED]);
  });

  it("does not connect to a device of the same address but another address type", async () => {
    const { say, pass, advertise } = await controllerBench();
    advertise({ address: { ...CUFF, type: "random" } });
    await say(CREATE);
    expect(await pass(1000)).toEqual([]);
  });

  it("refuses a second attempt, and cancels the first with status 0x02", async () => {
    const { say } = await controllerBench();
    await say(CREATE);
    expect(await say(CREATE)).toEqual(["040f040c010d20"]);
    expect(await say("010e2000")).toEqual(["040e04010e2000", `043e130102${"00".repeat(17)}`]);
    expect(await say("010e2000")).toEqual(["040e04010e200c"]);
  });

  it("refuses to connect twice to one device", async () => {
    expect(await (await connected()).say(CREATE)).toEqual(["040f040b010d20"]);
  });

  it("disconnects, and both sides learn why", async () => {
    const { say, device } = await connected();
    expect(await say("01060403400013")).toEqual(["040f0400010604", "04050400400016"]);
    expect(device.closed).toEqual([0x13]);
  });

  it("refuses a handle that it does not know with status 0x02", async () => {
    const { say } = await controllerBench();
    expect(await say("01060403990013", "010514029900")).toEqual(["040f0402010604", "040e06010514029900"]);
  });

  it("tells the host when the device disconnects", async () => {
    const { pass, device } = await connected();
    device.link().disconnect();
    expect(await pass(0)).toEqual(["04050400400013"]);
    expect(device.closed).toEqual([0x16]);
  });

  it("tells the host of a vanished device when the supervision timeout has passed", async () => {
    const { pass, device } = await connected();
    device.link().vanish();
    expect(await pass(4999)).toEqual([]);
    expect(await pass(2)).toEqual(["04050400400008"]);
  });

  it("drops links and attempts at a reset, without a word to the host but with one to the device", async () => {
    const { say, device, controller } = await connected();
    expect(await say("01030c00")).toEqual(["040e0401030c00"]);
    expect(controller.links).toBe(0);
    expect(device.closed).toEqual([0x08]);
  });

  it("reads the signal strength, the remote features and the remote version", async () => {
    const { say } = await connected();
    const [rssi = ""] = await say("010514024000");
    expect(rssi.slice(0, -2)).toBe("040e07010514004000");
    expect(await say("011620024000")).toEqual(["040f0400011620", "043e0c040040002100000000000000"]);
    expect(await say("011d04024000")).toEqual(["040f0400011d04", "040c0800400009ffff0000"]);
  });

  it("updates the connection parameters", async () => {
    const { say, device } = await connected();
    const command = "0113200e400006000c000100640000000000";
    expect(await say(command)).toEqual(["040f0400011320", "043e0a030040000c0001006400"]);
    expect(device.link().parameters).toEqual({ interval: 12, latency: 1, timeout: 100 });
  });
});

describe("virtual controller, data", () => {
  it("hands a payload to the device and gives the buffer back", async () => {
    const { say, device } = await connected();
    expect(await say("0240000700030004000a0300")).toEqual(["0413050140000100"]);
    expect(device.received).toEqual(["4:0a0300"]);
  });

  it("puts fragments of the host together and gives every buffer back", async () => {
    const { say, device } = await connected();
    const answers = await say("0240000600050006000102", "0240100300030405");
    expect(answers).toHaveLength(2);
    expect(device.received).toEqual(["6:0102030405"]);
  });

  it("cuts for the host at 27 octets, and at the data length that the host sets", async () => {
    const { say, pass, device } = await connected();
    const payload = new Uint8Array(40).fill(0x11);
    device.link().send(4, payload);
    expect(await pass(0)).toEqual([`0240201b0028000400${"11".repeat(23)}`, `0240101100${"11".repeat(17)}`]);
    expect(await say("012220064000fb004808")).toEqual(["040e06012220004000", "043e0b074000fb004808fb004808"]);
    device.link().send(4, payload);
    expect(await pass(0)).toEqual([`0240202c0028000400${"11".repeat(40)}`]);
  });

  it("refuses a data length outside 27 to 251", async () => {
    expect(await (await connected()).say("0122200640001a004801")).toEqual(["040e06012220124000"]);
  });
});

describe("virtual controller, encryption", () => {
  const START = `0119201c400011223344556677883412${"aa".repeat(16)}`;

  it("asks the device for the key by EDIV and Rand, and reports the link encrypted", async () => {
    const { say, device } = await connected();
    device.key = new Uint8Array(16).fill(0xaa);
    expect(await say(START)).toEqual(["040f0400011920", "04080400400001"]);
    expect(device.asked).toEqual([{ rand: fromHex("1122334455667788"), ediv: 0x1234 }]);
    expect(device.encrypted).toBe(1);
    expect(device.link().encrypted).toBe(true);
  });

  it("reports a key refresh when the link was encrypted already", async () => {
    const { say, device } = await connected();
    device.key = new Uint8Array(16).fill(0xaa);
    await say(START);
    expect(await say(START)).toEqual(["040f0400011920", "043003004000"]);
  });

  it.each([
    ["has no key", null],
    ["has another key", new Uint8Array(16).fill(0xbb)],
  ])("reports PIN or Key Missing when the device %s", async (_what, key) => {
    const { say, device } = await connected();
    device.key = key;
    expect(await say(START)).toEqual(["040f0400011920", "04080406400000"]);
    expect(device.link().encrypted).toBe(false);
    expect(device.encrypted).toBe(0);
  });
});
