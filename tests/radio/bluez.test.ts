// Long: one radio against everything that BlueZ does, over one mock of it that the cases share.
import { afterEach, describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { isHubError } from "../../protocol/errors.ts";
import { channelId } from "../../protocol/ids.ts";
import type { Advertisement } from "../../protocol/ports/radio.ts";
import { until } from "../support/until.ts";
import { startForger } from "./bluez-forger.ts";
import { type BluezHome, CUFF, hear, isMissing, never, pass, startHome, titled } from "./bluez-home.ts";
import { startMockBluez } from "./bluez-mock.ts";
import { nextOf, valuesOf } from "./hub-side.ts";

const MEASUREMENT = channelId("2a35");
const DATE_TIME = channelId("2a08");
const BATTERY = channelId("2a19");

const failing = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "it went well",
    (thrown: unknown) => thrown,
  );

describe.skipIf(isMissing)(titled("the radio over BlueZ"), () => {
  let home: BluezHome;
  const at = async (...given: Parameters<typeof startHome>): Promise<BluezHome> => {
    home = await startHome(...given);
    return home;
  };
  afterEach(async () => {
    await home[Symbol.asyncDispose]();
  });

  describe("starts", () => {
    it("where BlueZ has the adapter, and switches it on", async () => {
      const { radio, bluez } = await at({ powered: false });
      await radio.start(never);
      expect(radio.state).toBe("ready");
      expect(radio.trouble).toBeNull();
      expect(bluez.calls).toEqual([
        "Set Powered true",
        "UnregisterAgent",
        "RegisterAgent",
        "RequestDefaultAgent",
        "Set Pairable false",
      ]);
    });

    it("not without a bus, and says how to get one", async () => {
      const { radio, daemon } = await at();
      await daemon.stop();
      expect(await failing(radio.start(never))).toMatchObject({
        code: "adapter-absent",
        message: expect.stringMatching(/^Bluetooth adapter hci0: the system bus does not answer; start it/),
      });
      expect(radio.state).toBe("absent");
      expect(await failing(radio.scan(never)[Symbol.asyncIterator]().next())).toMatchObject({ code: "adapter-absent" });
    });

    it("not without BlueZ, and says how to start it; and starts when it is there", async () => {
      const { radio, daemon } = await at(null);
      expect(await failing(radio.start(never))).toMatchObject({
        code: "adapter-absent",
        message: expect.stringContaining("BlueZ does not run; start it"),
      });
      home.bluez = await startMockBluez(daemon.address);
      await radio.start(never);
      expect(radio.state).toBe("ready");
    });

    it("not where the bus's policy forbids it, and says who may", async () => {
      const { radio } = await at({}, {}, `<deny send_destination="org.bluez"/>`);
      expect(await failing(radio.start(never))).toMatchObject({
        code: "adapter-absent",
        message: expect.stringContaining("this user may not use BlueZ; add the hub's user to the group bluetooth"),
      });
    });

    it("not without the adapter", async () => {
      const { radio } = await at({ adapter: false });
      expect(await failing(radio.start(never))).toMatchObject({
        code: "adapter-absent",
        message: expect.stringContaining("BlueZ does not have it; plug it in, or correct `name`"),
      });
    });

    it("not where a switch has the radio off", async () => {
      const { radio, bluez } = await at({ powered: false });
      bluez.faults.set("Set Powered", { name: "org.bluez.Error.Blocked", text: "Blocked through rfkill" });
      expect(await failing(radio.start(never))).toMatchObject({
        code: "adapter-absent",
        message: expect.stringContaining("rfkill unblock bluetooth"),
      });
      expect(radio.state).toBe("off");
    });

    it("late: BlueZ that does not answer is wedged, and its adapter is switched off and on at the next start", async () => {
      const { radio, bluez } = await at();
      bluez.faults.set("RegisterAgent", "silent");
      const started = failing(radio.start(never));
      await until(() => bluez.calls.includes("RegisterAgent (not answered)"), "the agent is registered");
      await pass(home, 10_000);
      expect(await started).toMatchObject({ code: "adapter-wedged" });
      expect(radio.state).toBe("wedged");
      bluez.faults.clear();
      await radio.start(never);
      expect(bluez.calls).toContain("Set Powered false");
      expect(radio.state).toBe("ready");
    });

    it("not where BlueZ stops or the adapter goes away in the middle of it", async () => {
      const { radio, bluez } = await at();
      bluez.afterAnswer.set("Set", () => bluez.remove("/org/bluez/hci0"));
      // The news of it and the end of the start come from two processes: whichever is first, the radio is absent then.
      await failing(radio.start(never));
      await until(() => radio.state === "absent", "the radio notices that the adapter went away");
      expect(radio.trouble).toContain("plug it in");
      bluez.afterAnswer.clear();
      bluez.afterAnswer.set("GetManagedObjects", () => void bluez.stop());
      expect(await failing(radio.start(never))).toMatchObject({ code: "adapter-absent" });
      expect(radio.state).toBe("absent");
    });

    it("and misses nothing that BlueZ says while it is read", async () => {
      const { radio, bluez } = await at();
      const sensors = Array.from({ length: 200 }, (_, i) =>
        bluez.sensor({
          address: `C0:26:DA:00:00:${i.toString(16).padStart(2, "0").toUpperCase()}`,
          services: ["1810"],
        }),
      );
      bluez.afterAnswer.set("GetManagedObjects", () => {
        bluez.afterAnswer.clear();
        for (const one of sensors) one.isKnown();
      });
      await radio.start(never);
      const heard = new Set<string>();
      const stop = new AbortController();
      const scanning = (async (): Promise<void> => {
        for await (const { address } of radio.scan(stop.signal)) heard.add(address);
      })();
      await until(() => bluez.isDiscovering(), "BlueZ discovers");
      for (const one of sensors) one.advertise();
      await until(() => heard.size === sensors.length, "every one is heard");
      stop.abort();
      await scanning;
    });

    it("and can be interrupted", async () => {
      const { radio, bluez } = await at();
      bluez.faults.set("RegisterAgent", "silent");
      const stop = new AbortController();
      const started = failing(radio.start(stop.signal));
      await until(() => bluez.calls.includes("RegisterAgent (not answered)"), "the agent is registered");
      stop.abort(new Error("the hub stops"));
      expect(await started).toBe(stop.signal.reason);
      expect(radio.state).toBe("off");
    });
  });

  describe("scans", () => {
    it("and hears what advertises, not what BlueZ remembers", async () => {
      const { radio, bluez } = await at();
      const asleep = bluez.sensor({ address: "C0:26:DA:00:00:02", characteristics: CUFF, paired: true });
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", addressType: "random", services: ["1810"] });
      await radio.start(never);
      const heard: Advertisement[] = [];
      const stop = new AbortController();
      const scanning = (async (): Promise<void> => {
        for await (const one of radio.scan(stop.signal)) heard.push(one);
      })();
      await until(() => bluez.isDiscovering(), "BlueZ discovers");
      cuff.advertise(-71);
      await until(() => heard.length === 1, "the first advertisement");
      asleep.isRenamed("Alias of a sensor that sleeps");
      cuff.advertise(-71);
      await until(() => heard.length === 2, "the second, though nothing has changed");
      stop.abort();
      await scanning;
      expect(heard[0]).toMatchObject({
        address: "c0:26:da:00:00:01",
        addressType: "random",
        connectable: true,
        services: ["1810"],
        rssi: -71,
      });
      expect(heard.map(({ address }) => address)).not.toContain("c0:26:da:00:00:02");
      expect(bluez.isDiscovering()).toBe(false);
    });

    it("until BlueZ stops, and says so; and again when BlueZ is back", async () => {
      const { radio, bluez, daemon } = await at();
      await radio.start(never);
      const scanned = failing(radio.scan(never)[Symbol.asyncIterator]().next());
      await until(() => bluez.isDiscovering(), "BlueZ discovers");
      await bluez.stop();
      expect(await scanned).toMatchObject({
        code: "adapter-absent",
        message: expect.stringContaining("BlueZ does not run; start it"),
      });
      expect(radio.state).toBe("absent");
      home.bluez = await startMockBluez(daemon.address);
      await radio.start(never);
      const cuff = home.bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      expect((await hear(home, cuff)).address).toBe("c0:26:da:00:00:01");
    });

    it("until the bus is gone", async () => {
      const { radio, bluez, daemon } = await at();
      await radio.start(never);
      const scanned = failing(radio.scan(never)[Symbol.asyncIterator]().next());
      await until(() => bluez.isDiscovering(), "BlueZ discovers");
      await daemon.stop();
      expect(await scanned).toMatchObject({
        code: "adapter-absent",
        message: expect.stringContaining("the system bus does not answer"),
      });
      expect(radio.state).toBe("absent");
    });

    it("until somebody switches the adapter off, and switches it on at the next start", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const scanned = failing(radio.scan(never)[Symbol.asyncIterator]().next());
      await until(() => bluez.isDiscovering(), "BlueZ discovers");
      bluez.power(false);
      expect(await scanned).toMatchObject({ message: expect.stringContaining("bluetoothctl power on") });
      expect(radio.state).toBe("off");
      await radio.start(never);
      expect(bluez.calls).toContain("Set Powered true");
    });

    it("until the adapter is unplugged", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const scanned = failing(radio.scan(never)[Symbol.asyncIterator]().next());
      await until(() => bluez.isDiscovering(), "BlueZ discovers");
      bluez.remove("/org/bluez/hci0");
      expect(await scanned).toMatchObject({ code: "adapter-absent", message: expect.stringContaining("plug it in") });
      expect(radio.state).toBe("absent");
    });

    it("not where BlueZ does not answer: it is wedged, and a later scan that works makes it ready", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      bluez.faults.set("StartDiscovery", "silent");
      const scanned = failing(radio.scan(never)[Symbol.asyncIterator]().next());
      await until(() => bluez.calls.includes("StartDiscovery (not answered)"), "discovery was asked for");
      await pass(home, 5000);
      expect(await scanned).toMatchObject({ code: "adapter-wedged" });
      expect(radio.state).toBe("wedged");
      bluez.faults.clear();
      await hear(home, bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF }));
      expect(radio.state).toBe("ready");
    });

    it("does one thing at a time", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const advertisement = await hear(home, cuff);
      const stop = new AbortController();
      const scanning = radio.scan(stop.signal)[Symbol.asyncIterator]().next();
      await until(() => bluez.isDiscovering(), "BlueZ discovers");
      expect(await failing(radio.connect(advertisement, never))).toMatchObject({ code: "invalid-argument" });
      stop.abort();
      await scanning;
    });
  });

  describe("connects", () => {
    it.each([
      ["", false],
      [" though BlueZ does not say that it is connected", true],
    ])("discovers, subscribes, reads, writes, unsubscribes and hangs up%s", async (_, connectsQuietly) => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      cuff.connectsQuietly = connectsQuietly;
      cuff.waiting.push({ uuid: "2a35", hex: "167c0056006100e807060f11111b33000000" });
      const link = await radio.connect(await hear(home, cuff), never);
      expect(link.address).toBe("c0:26:da:00:00:01");
      expect(link.characteristics).toEqual([
        { service: "1810", channel: MEASUREMENT, properties: new Set(["indicate"]) },
        { service: "1810", channel: DATE_TIME, properties: new Set(["read", "write"]) },
        { service: "180f", channel: BATTERY, properties: new Set(["read", "notify"]) },
      ]);

      const values = valuesOf(link);
      await link.subscribe(MEASUREMENT, never);
      const first = await nextOf(values);
      expect(first.channel).toBe(MEASUREMENT);
      expect(toHex(first.bytes)).toBe("167c0056006100e807060f11111b33000000");
      first.confirm();
      await link.write(DATE_TIME, fromHex("ea07060f0c0000"), never);
      expect(cuff.written).toEqual(["2a08 ea07060f0c0000"]);
      expect([...(await link.read(BATTERY, never))]).toEqual([0x57]);

      bluez.calls.length = 0;
      await link[Symbol.asyncDispose]();
      expect(bluez.calls).toEqual(["StopNotify service0010/char0011", "Disconnect dev_C0_26_DA_00_00_01"]);
      expect((await values.next()).done).toBe(true);
      expect(isHubError(link.lost.reason, "ble-disconnected")).toBe(true);
      expect(radio.state).toBe("ready");
    });

    it("to two sensors of one model at once, and gives each its own values", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const [one, other] = ["C0:26:DA:00:00:01", "C0:26:DA:00:00:02"].map((address) =>
        bluez.sensor({ address, characteristics: CUFF }),
      );
      if (one === undefined || other === undefined) throw new Error("no sensors");
      const links = [
        await radio.connect(await hear(home, one), never),
        await radio.connect(await hear(home, other), never),
      ] as const;
      for (const link of links) await link.subscribe(MEASUREMENT, never);
      for (let i = 0; i < 5; i++) {
        expect(one.send("2a35", `01${i}0`)).toBe(true);
        expect(other.send("2a35", `02${i}0`)).toBe(true);
      }
      const [first, second] = [valuesOf(links[0]), valuesOf(links[1])];
      for (let i = 0; i < 5; i++) {
        expect(toHex((await nextOf(first)).bytes)).toBe(`01${i}0`);
        expect(toHex((await nextOf(second)).bytes)).toBe(`02${i}0`);
      }
      one.hangUp();
      await until(() => links[0].lost.aborted, "the first link is lost");
      expect(links[1].lost.aborted).toBe(false);
      other.send("2a35", "0250");
      expect(toHex((await nextOf(second)).bytes)).toBe("0250");
    });

    it("and does not take what it reads for a value that the sensor sent", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      await link.subscribe(BATTERY, never);
      const values = valuesOf(link);
      for (let i = 0; i < 3; i++) expect([...(await link.read(BATTERY, never))]).toEqual([0x57]);
      cuff.send("2a19", "56");
      expect(toHex((await nextOf(values)).bytes)).toBe("56");
    });

    it("and loses nothing that a sensor sends before the hub has subscribed again", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF, paired: true });
      const before = await radio.connect(await hear(home, cuff), never);
      await before.subscribe(MEASUREMENT, never);
      cuff.hangUp();
      await until(() => before.lost.aborted, "the link is lost");
      await before[Symbol.asyncDispose]();

      cuff.waiting.push({ uuid: "2a35", hex: "aa01" });
      const link = await radio.connect(await hear(home, cuff), never);
      expect(cuff.waiting).toEqual([]);
      expect(toHex((await nextOf(valuesOf(link))).bytes)).toBe("aa01");
    });

    it("waits where BlueZ is still taking up the earlier subscription", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      cuff.errors.set("StartNotify 2a35", { name: "org.bluez.Error.InProgress", text: "In Progress" });
      const subscribed = link.subscribe(MEASUREMENT, never);
      await until(() => bluez.calls.some((call) => call.startsWith("StartNotify")), "it was tried");
      cuff.errors.clear();
      await pass(home, 100);
      await subscribed;
      expect(cuff.send("2a35", "01")).toBe(true);
    });

    it.each([
      ["org.bluez.Error.Failed", "Operation failed with ATT error: 0x80", 0x80],
      ["org.bluez.Error.Failed", "Operation failed with ATT error: 0xfd", 0xfd],
      ["org.bluez.Error.NotPermitted", "Write not permitted", 0x03],
      ["org.bluez.Error.NotPermitted", "Not paired", 0x05],
      ["org.bluez.Error.InvalidArguments", "Invalid Length", 0x0d],
      ["org.bluez.Error.NotAuthorized", "Operation Not Authorized", 0x08],
      ["org.bluez.Error.NotSupported", "Operation is not supported", 0x06],
      ["org.bluez.Error.Failed", "Connection timed out", null],
    ])("surfaces %s (%s) as ATT error %s", async (name, text, attError) => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      cuff.errors.set("WriteValue 2a08", { name, text });
      const refused = await failing(link.write(DATE_TIME, fromHex("ea07"), never));
      expect(refused).toMatchObject({ code: "ble-att-error", context: { attError } });
      expect(link.lost.aborted).toBe(false);
      cuff.errors.clear();
      await link.write(DATE_TIME, fromHex("ea07"), never);
    });

    it("refuses what the sensor does not have, and what is too long for it", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      const absent = { code: "ble-att-error", context: { attError: 0x0a } };
      expect(await failing(link.read(channelId("2a52"), never))).toMatchObject(absent);
      expect(await failing(link.subscribe(DATE_TIME, never))).toMatchObject(absent);
      expect(await failing(link.write(DATE_TIME, new Uint8Array(245), never))).toMatchObject({
        code: "invalid-argument",
      });
    });

    it("fails at once where the sensor hangs up before its services are known", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      cuff.connectsQuietly = true;
      const advertisement = await hear(home, cuff);
      bluez.afterAnswer.set("Connect", () => cuff.hangUp());
      expect(await failing(radio.connect(advertisement, never))).toMatchObject({ code: "ble-disconnected" });
    });

    it("ends the session when the sensor hangs up in its middle, after handing out what it sent", async () => {
      const { radio, bluez } = await at({ tellsReasons: true });
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      await link.subscribe(MEASUREMENT, never);
      bluez.faults.set("WriteValue", "silent");
      const writing = failing(link.write(DATE_TIME, fromHex("00"), never));
      await until(() => bluez.calls.includes("WriteValue (not answered)"), "the write is under way");
      cuff.send("2a35", "01");
      cuff.hangUp("org.bluez.Reason.Timeout");
      expect(await writing).toMatchObject({
        code: "ble-disconnected",
        message: expect.stringContaining("went out of range"),
      });
      const values = valuesOf(link);
      expect(toHex((await nextOf(values)).bytes)).toBe("01");
      expect((await values.next()).done).toBe(true);
      expect(await failing(link.read(BATTERY, never))).toMatchObject({ code: "ble-disconnected" });
      await link[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    });

    it("loses its links with BlueZ", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      await bluez.stop();
      await until(() => link.lost.aborted, "the link is lost");
      expect(link.lost.reason).toMatchObject({ code: "ble-disconnected" });
      await link[Symbol.asyncDispose]();
    });

    it("gives up a sensor that has fallen asleep, takes the attempt back, and can connect again", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const advertisement = await hear(home, cuff);
      cuff.isReachable = false;
      const connecting = failing(radio.connect(advertisement, never));
      await until(() => bluez.calls.includes("Connect dev_C0_26_DA_00_00_01"), "BlueZ connects");
      await pass(home, 20_000);
      expect(await connecting).toMatchObject({ code: "ble-timeout" });
      expect(bluez.calls.at(-1)).toBe("Disconnect dev_C0_26_DA_00_00_01");
      cuff.isReachable = true;
      const link = await radio.connect(await hear(home, cuff), never);
      expect(link.has(MEASUREMENT)).toBe(true);
    });

    it("stops at once when it is told to", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const advertisement = await hear(home, cuff);
      cuff.isReachable = false;
      const stop = new AbortController();
      const connecting = failing(radio.connect(advertisement, stop.signal));
      await until(() => bluez.calls.includes("Connect dev_C0_26_DA_00_00_01"), "BlueZ connects");
      stop.abort(new Error("the hub stops"));
      expect(await connecting).toBe(stop.signal.reason);
      expect(bluez.calls.at(-1)).toBe("Disconnect dev_C0_26_DA_00_00_01");
    });

    it("hangs up on a sensor that does not answer, and is wedged where BlueZ does not hang up", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      bluez.faults.set("ReadValue", "silent").set("Disconnect", "silent");
      const reading = failing(link.read(BATTERY, never));
      const next = failing(link.read(DATE_TIME, never));
      await until(() => bluez.calls.includes("ReadValue (not answered)"), "the read is under way");
      await pass(home, 10_000);
      expect(await reading).toMatchObject({ code: "ble-timeout" });
      expect(await next).toMatchObject({ code: "ble-timeout" });
      await until(() => bluez.calls.includes("Disconnect (not answered)"), "the hub hangs up");
      await pass(home, 7000);
      await link[Symbol.asyncDispose]();
      expect(radio.state).toBe("wedged");
    });

    it("is wedged where BlueZ says that it hangs up and does not", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      cuff.lingers = true;
      const closed = link[Symbol.asyncDispose]();
      await until(() => bluez.calls.at(-1)?.startsWith("Disconnect"), "the hub hangs up");
      await pass(home, 7000);
      await closed;
      expect(radio.state).toBe("wedged");
    });

    it("hangs up rather than losing values when nobody takes them", async () => {
      const { radio, bluez } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      await link.subscribe(MEASUREMENT, never);
      for (let i = 0; i < 513; i++) cuff.send("2a35", "01");
      await until(() => link.lost.aborted, "the link is lost");
      expect(link.lost.reason).toMatchObject({ message: expect.stringContaining("more than the hub can hold") });
      let count = 0;
      for await (const _ of link.incoming) count += 1;
      expect(count).toBe(512);
    });

    it("hangs up on its own sensors when it is disposed of, and BlueZ is free of it", async () => {
      const { radio, bluez, daemon } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      await radio[Symbol.asyncDispose]();
      expect(link.lost.aborted).toBe(true);
      expect(bluez.calls.at(-1)).toBe("Disconnect dev_C0_26_DA_00_00_01");
      expect(radio.state).toBe("off");
      await until(() => bluez.agentOf(null) === null, "the agent is gone");
      const rules = await until(async () => {
        const held = [...(await daemon.matchRules()).values()].flat();
        return held.every((rule) => !rule.includes("org.bluez")) && held;
      }, "no rule of the hub is left");
      expect(rules).toHaveLength(1);
    });

    it("is not misled by signals of another program", async () => {
      const { radio, bluez, daemon } = await at();
      await radio.start(never);
      const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF });
      const link = await radio.connect(await hear(home, cuff), never);
      await link.subscribe(MEASUREMENT, never);
      const hub = bluez.agentOf(null)?.owner ?? "";
      await using forger = await startForger(daemon.address, hub);
      await forger.value(`${cuff.path}/service0010/char0011`, "ff");
      await forger.powerOff();
      cuff.send("2a35", "01");
      expect(toHex((await nextOf(valuesOf(link))).bytes)).toBe("01");
      expect(radio.state).toBe("ready");
    });
  });
});
