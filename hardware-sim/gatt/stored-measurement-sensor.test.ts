import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../protocol/time.ts";
import { handle } from "./central-bench.ts";
import { READING, sensorBench } from "./sensor-bench.ts";
import { createThermometer } from "./thermometer.ts";
import { createWeightScale } from "./weight-scale.ts";

describe("stored measurements", () => {
  it("go out when a central subscribes, and are forgotten when they are confirmed", async () => {
    const { cuff, central, events, subscribe, clock } = sensorBench();
    const record = cuff.measure(READING);
    await central.connect();
    expect(central.indications).toEqual([]);
    await subscribe();
    expect(central.indications).toEqual(["067c0056006100ea07060f0e00003300"]);
    expect(central.indications).toEqual([record.valueHex]);
    expect(record).toMatchObject({ id: 1, sent: 1, deviceTime: "2026-06-15T14:00:00", confirmedAt: clock.now() });
    expect(cuff.waiting).toBe(0);
    expect(events).toEqual(["measured 1", "advertising", "connected", "sent 1", "confirmed 1"]);
  });

  it("go out oldest first, one after another", async () => {
    const { cuff, central, subscribe } = sensorBench();
    central.confirms = false;
    const records = [121, 122, 123].map((systolic) => cuff.measure({ ...READING, systolic }));
    await central.connect();
    await subscribe();
    expect(central.indications).toEqual([records[0]?.valueHex]);
    central.confirms = true;
    central.ask("1e");
    await subscribe();
    expect(central.indications).toEqual(records.map(({ valueHex }) => valueHex));
    expect(cuff.truth.every(({ confirmedAt }) => confirmedAt !== null)).toBe(true);
  });

  it("reach a central that is already subscribed at once", async () => {
    const { cuff, central, subscribe, pass } = sensorBench({ afterwards: "stay" });
    cuff.wake();
    await central.connect();
    await subscribe();
    const record = cuff.measure(READING);
    await pass(millis(0));
    expect(central.indications).toEqual([record.valueHex]);
  });

  it("end with the sensor hanging up 2 s later, asleep", async () => {
    const { cuff, central, subscribe, pass, clock } = sensorBench();
    cuff.measure(READING);
    await central.connect();
    await subscribe();
    await pass(millis(1999));
    expect(central.ends).toEqual([]);
    await pass(millis(2));
    expect(central.ends).toEqual([0x13]);
    expect(cuff.state).toBe("asleep");
    expect(clock.sleeping).toBe(0);
  });

  it("wait for the central to hang up where the sensor is made so", async () => {
    const { cuff, central, subscribe, pass } = sensorBench({ afterwards: "stay" });
    cuff.measure(READING);
    await central.connect();
    await subscribe();
    await pass(seconds(600));
    expect(central.ends).toEqual([]);
    central.link?.disconnect(0x13);
    await pass(millis(0));
    expect(cuff.state).toBe("asleep");
  });

  it("wait for the next time when nobody comes within 30 s", async () => {
    const { cuff, central, subscribe, pass, clock } = sensorBench();
    cuff.measure(READING);
    central.tuner.scan("passive");
    await pass(seconds(29));
    expect(cuff.state).toBe("advertising");
    await pass(seconds(2));
    expect(cuff.state).toBe("asleep");
    expect(clock.sleeping).toBe(0);
    cuff.measure({ ...READING, systolic: 130 });
    await central.connect();
    await subscribe();
    expect(central.indications).toHaveLength(2);
  });

  it("put the end of the advertising off with every new measurement", async () => {
    const { cuff, pass } = sensorBench();
    cuff.measure(READING);
    await pass(seconds(20));
    cuff.measure(READING);
    await pass(seconds(20));
    expect(cuff.state).toBe("advertising");
    await pass(seconds(11));
    expect(cuff.state).toBe("asleep");
  });

  it("push the oldest out of a full memory, which the truth records", () => {
    const { cuff } = sensorBench({ memory: 2 });
    for (const systolic of [121, 122, 123]) cuff.measure({ ...READING, systolic });
    expect(cuff.waiting).toBe(2);
    expect(cuff.truth.map(({ overwritten }) => overwritten)).toEqual([true, false, false]);
  });

  it("go on after a link that ended too early, to the next connection", async () => {
    const { cuff, central, subscribe, pass } = sensorBench();
    central.confirms = false;
    const record = cuff.measure(READING);
    await central.connect();
    await subscribe();
    central.link?.disconnect(0x13);
    await pass(millis(0));
    expect(cuff.state).toBe("advertising");
    expect(cuff.waiting).toBe(1);
    central.confirms = true;
    await central.connect();
    await subscribe();
    expect(central.indications).toEqual([record.valueHex, record.valueHex]);
    expect(record).toMatchObject({ sent: 2 });
    expect(cuff.connections).toBe(2);
  });

  it("are kept when no confirmation comes within 30 s, and the sensor hangs up", async () => {
    const { cuff, central, subscribe, pass } = sensorBench();
    central.confirms = false;
    cuff.measure(READING);
    await central.connect();
    await subscribe();
    await pass(seconds(31));
    expect(central.ends).toEqual([0x13]);
    expect(cuff.waiting).toBe(1);
  });
});

describe("kinds of sensor", () => {
  it("measure weight and temperature too", () => {
    const { options } = sensorBench();
    const scale = createWeightScale({ ...options, clock: { tag: "none" } });
    expect(scale.measure({ weight: 82.5 })).toMatchObject({
      characteristic: "2a9d",
      valueHex: "007440",
      deviceTime: null,
    });
    const thermometer = createThermometer({ ...options, clock: { tag: "factory" } });
    expect(thermometer.measure({ temperature: { value: 38, decimals: 1 }, site: "ear" })).toMatchObject({
      characteristic: "2a1c",
      valueHex: "067c0100ffda07010100000003",
      deviceTime: "2010-01-01T00:00:00",
    });
  });

  it("let a central set their clock, and keep the old time on what is stored", async () => {
    const { cuff, central, subscribe, events } = sensorBench({ clock: { tag: "factory" } });
    cuff.measure(READING);
    await central.connect();
    // 2026-06-15 14:00:00, a Monday.
    central.ask(`12${handle(cuff.gatt.handlesOf("2a2b").value)}ea07060f0e0000010000`);
    expect(central.pdus).toEqual(["13"]);
    expect(cuff.clockText).toBe("2026-06-15T14:00:00");
    expect(events).toContain("clock-set");
    await subscribe();
    expect(central.indications).toEqual(["067c0056006100da0701010000003300"]);
  });

  it("refuse a clock setting that is no time", async () => {
    const { cuff, central } = sensorBench({ clock: { tag: "factory" } });
    cuff.wake();
    await central.connect();
    const time = handle(cuff.gatt.handlesOf("2a2b").value);
    central.ask(`12${time}ea07000f0e0000010000`);
    central.ask(`12${time}ea07`);
    expect(central.pdus).toEqual([`0112${time}80`, `0112${time}0d`]);
  });

  it("offer Date Time in the measurement service where the maker put it there", async () => {
    const { cuff, central } = sensorBench({ clockSetting: "date-time" });
    cuff.wake();
    await central.connect();
    central.ask("080100ffff082a");
    expect(central.pdus).toEqual([`0909${handle(cuff.gatt.handlesOf("2a08").value)}ea07060f0e0000`]);
  });
});
