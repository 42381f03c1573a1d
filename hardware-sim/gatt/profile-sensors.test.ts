import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../protocol/time.ts";
import { createBodyCompositionScale } from "./body-composition-scale.ts";
import { createHeartRateBelt } from "./heart-rate-belt.ts";
import { createPulseOximeter } from "./pulse-oximeter.ts";
import { recordBench } from "./record-bench.ts";

describe("body composition scale", () => {
  const BODY = {
    fatPercent: 21.3,
    user: 2,
    basalMetabolismKj: 6500,
    musclePercent: 38.5,
    muscleMass: 27.5,
    fatFreeMass: 56,
    weight: 71.5,
  };

  it("indicates a measurement in two parts, and forgets it when both are confirmed", async () => {
    const { sensor, central, subscribe, heard } = recordBench(createBodyCompositionScale, {});
    const record = sensor.measure(BODY);
    await central.connect();
    await subscribe("2a9c", "indicate");
    expect(record.followingHex).toHaveLength(1);
    expect(heard()).toEqual([record.valueHex, ...record.followingHex].map((hex) => `2a9c ${hex}`));
    expect(record).toMatchObject({ sent: 1 });
    expect(sensor.waiting).toBe(0);
  });

  it("begins again with the first part after a link that ended between the two", async () => {
    const { sensor, central, subscribe, heard } = recordBench(createBodyCompositionScale, {
      faults: { dropMidIndication: 1 },
    });
    const record = sensor.measure(BODY);
    await central.connect();
    await subscribe("2a9c", "indicate");
    expect(heard()).toEqual([`2a9c ${record.valueHex}`]);
    expect(record).toMatchObject({ sent: 0, confirmedAt: null });
    sensor.setFaults({ dropMidIndication: 0 });
    await central.connect();
    await subscribe("2a9c", "indicate");
    expect(heard()).toHaveLength(2);
    expect(sensor.waiting).toBe(0);
  });

  it("tells what it can", async () => {
    const { sensor, central, read } = recordBench(createBodyCompositionScale, {});
    sensor.wake();
    await central.connect();
    expect(await read("2a9b")).toBe("ffbf0100");
  });
});

describe("pulse oximeter", () => {
  const CHECK = { spo2: 97, pulse: 61 };

  it("indicates a spot check at once to who listens, and keeps it", async () => {
    const { sensor, central, subscribe, pass, heard, write } = recordBench(createPulseOximeter, {});
    sensor.wake();
    await central.connect();
    await subscribe("2a5e", "indicate");
    await subscribe("2a52", "indicate");
    const record = sensor.measure(CHECK);
    await pass(millis(0));
    expect(heard()).toEqual(["2a5e 0161003d00ea07060f0e0000"]);
    expect(record.confirmedAt).not.toBeNull();
    await write("2a52", "0101");
    await pass(seconds(1));
    expect(heard()).toEqual([`2a5e ${record.valueHex}`, "2a52 06000101"]);
    expect(record.sent).toBe(2);
  });

  it("tells what it measured alone only on demand, and knows no operand", async () => {
    const { sensor, central, subscribe, pass, heard, write } = recordBench(createPulseOximeter, {});
    sensor.measure(CHECK);
    sensor.measure({ ...CHECK, spo2: 96 });
    await central.connect();
    await subscribe("2a5e", "indicate");
    await subscribe("2a52", "indicate");
    await pass(seconds(1));
    expect(heard()).toEqual([]);
    expect(sensor.waiting).toBe(2);
    await write("2a52", "0103010000");
    await pass(millis(0));
    expect(heard()).toEqual(["2a52 06000104"]);
    await write("2a52", "0401");
    await pass(millis(0));
    expect(heard()).toEqual(["2a52 05000200"]);
    await write("2a52", "0101");
    await pass(seconds(1));
    expect(heard()).toEqual([...sensor.truth.map(({ valueHex }) => `2a5e ${valueHex}`), "2a52 06000101"]);
    expect(sensor.waiting).toBe(0);
  });

  it("refuses an unconfigured central with the common error, not with that of the glucose service", async () => {
    const { sensor, central, write, refusal } = recordBench(createPulseOximeter, {});
    sensor.measure(CHECK);
    await central.connect();
    expect(await write("2a52", "0101")).toBe(refusal("2a52", "fd"));
  });

  it("streams to who asked for it, and knows who did not hear", async () => {
    const { sensor, central, subscribe, pass, heard } = recordBench(createPulseOximeter, { afterwards: "stay" });
    expect(sensor.stream(CHECK).heard).toBe(false);
    sensor.wake();
    await central.connect();
    expect(sensor.stream(CHECK).heard).toBe(false);
    await subscribe("2a5f", "notify");
    expect(sensor.stream({ ...CHECK, fast: { spo2: 96, pulse: 62 } }).heard).toBe(true);
    await pass(millis(0));
    expect(heard()).toEqual(["2a5f 0161003d0060003e00"]);
    central.link?.disconnect(0x13);
    await pass(millis(0));
    expect(sensor.stream(CHECK).heard).toBe(false);
    expect(sensor.streamed.map(({ heard: was }) => was)).toEqual([false, false, true, false]);
  });

  it("indicates a stored check before anybody can have subscribed", async () => {
    const { sensor, central, heard } = recordBench(createPulseOximeter, { faults: { earlyIndication: true } });
    const record = sensor.measure(CHECK);
    await central.connect();
    expect(heard()).toEqual([`2a5e ${record.valueHex}`]);
  });
});

describe("heart rate belt", () => {
  it("streams while it is worn, and is found again after a lost link", async () => {
    const { sensor, central, subscribe, pass, heard } = recordBench(createHeartRateBelt, {});
    sensor.wear();
    await pass(seconds(3600));
    await central.connect();
    await subscribe("2a37", "notify");
    sensor.measure({ rate: 72, contact: true, rr1024: [853, 849] });
    await pass(millis(0));
    expect(heard()).toEqual(["2a37 164855035103"]);
    central.link?.disconnect(0x13);
    await pass(seconds(1));
    expect(sensor.state).toBe("advertising");
    expect(sensor.measure({ rate: 73 }).heard).toBe(false);
    await central.connect();
    expect(sensor.connections).toBe(2);
  });

  it("hangs up and is silent when it is taken off, and can be worn again", async () => {
    const { sensor, central, pass } = recordBench(createHeartRateBelt, {});
    sensor.wear();
    await central.connect();
    sensor.takeOff();
    await pass(millis(0));
    expect(central.ends).toEqual([0x13]);
    expect(sensor.state).toBe("asleep");
    sensor.wear();
    await pass(millis(100));
    expect(sensor.state).toBe("advertising");
    sensor.takeOff();
    await pass(millis(0));
    expect(sensor.state).toBe("asleep");
  });

  it("says where it is worn, and sets its energy back for nothing but the right value", async () => {
    const { sensor, central, read, write, refusal } = recordBench(createHeartRateBelt, { location: "wrist" });
    sensor.wear();
    await central.connect();
    expect(await read("2a38")).toBe("02");
    expect(await write("2a39", "02")).toBe(refusal("2a39", "80"));
    expect(await write("2a39", "01")).toBe("13");
    expect(sensor.energyResets).toBe(1);
  });
});
