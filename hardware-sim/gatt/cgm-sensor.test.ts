import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { type CgmSensorOptions, createCgmSensor } from "./cgm-sensor.ts";
import { hasGoodCrc, withCrc } from "./e2e-crc.ts";
import { recordBench } from "./record-bench.ts";

const cgmBench = (options: Omit<CgmSensorOptions, "air" | "address" | "identity" | "observe"> = {}) => {
  const bench = recordBench(createCgmSensor, options);
  const { sensor, central, subscribe, pass, write, heard } = bench;
  return {
    ...bench,
    ready: async (): Promise<void> => {
      sensor.wake();
      await central.connect();
      await subscribe("2aa7", "notify");
      await subscribe("2aac", "indicate");
      await subscribe("2a52", "indicate");
    },
    /** A value every five minutes. */
    measureFor: async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        sensor.measure({ glucose: 100 + i });
        await pass(minutes(5));
      }
    },
    ask: async (request: string): Promise<readonly string[]> => {
      await write("2a52", request);
      await pass(seconds(2));
      return heard();
    },
    /** A request to the control point; its answer. */
    control: async (request: string): Promise<string> => {
      const response = await write("2aac", request);
      await pass(millis(0));
      return heard()[0]?.slice(5) ?? response;
    },
  };
};

const crcOf = (hex: string): string => toHex(withCrc(fromHex(hex)));

describe("records of a CGM", () => {
  it("count the minutes of the session, and are found by them", async () => {
    const { sensor, ready, measureFor, ask } = cgmBench({ crc: false });
    await measureFor(4);
    await ready();
    expect(sensor.truth.map(({ sequence }) => sequence)).toEqual([0, 5, 10, 15]);
    expect(await ask("0103010a00")).toEqual(["2aa7 060066000a00", "2aa7 060067000f00", "2a52 06000101"]);
    expect(await ask("0403011000")).toEqual(["2a52 05000000"]);
  });

  it("go out as they are measured, and are kept", async () => {
    const { sensor, ready, pass, heard, ask } = cgmBench();
    await ready();
    const record = sensor.measure({ glucose: 104, trend: -0.5, quality: 98 });
    await pass(millis(0));
    expect(heard()).toEqual([`2aa7 ${record.valueHex}`]);
    expect(hasGoodCrc(fromHex(record.valueHex))).toBe(true);
    expect(await ask("0101")).toEqual([`2aa7 ${record.valueHex}`, "2a52 06000101"]);
  });

  it("share a notification where the sensor puts several into one", async () => {
    const { ready, measureFor, ask, sensor } = cgmBench({ crc: false, together: 3 });
    await measureFor(4);
    await ready();
    const [first, second, third, fourth] = sensor.truth.map(({ valueHex }) => valueHex);
    expect(await ask("0101")).toEqual([`2aa7 ${first}${second}${third}`, `2aa7 ${fourth}`, "2a52 06000101"]);
    expect(sensor.waiting).toBe(0);
  });

  it("do not share what the link does not hold", async () => {
    const { ready, measureFor, ask, sensor } = cgmBench({ together: 10 });
    await measureFor(4);
    await ready();
    // 20 octets at the least ATT_MTU hold two records of 8.
    expect((await ask("0101")).map((line) => (line.length - 5) / 2)).toEqual([16, 16, 4]);
    expect(sensor.truth.every(({ sent }) => sent === 1)).toBe(true);
  });

  it("are found again after a lost link, for as long as the sensor is worn", async () => {
    const { sensor, central, ready, measureFor, ask, pass } = cgmBench();
    await measureFor(2);
    await ready();
    await ask("0101");
    central.link?.disconnect(0x13);
    await pass(minutes(60));
    expect(sensor.state).toBe("advertising");
  });
});

describe("session of a CGM", () => {
  it("tells its start with zone and summer time, its status and its run time, each with CRC", async () => {
    const { ready, read, pass } = cgmBench();
    await ready();
    await pass(minutes(7));
    expect(await read("2aaa")).toBe(crcOf("ea07060f0e00000404"));
    expect(await read("2aa9")).toBe(crcOf("0700000000"));
    expect(await read("2aab")).toBe(crcOf("5001"));
    expect(hasGoodCrc(fromHex(await read("2aa8")))).toBe(true);
  });

  it("tells the same without CRC, where only the feature has a field for it", async () => {
    const { ready, read, sensor } = cgmBench({ crc: false, clock: { tag: "none" } });
    sensor.setAnnunciation({ status: ["battery-low"], calibration: ["calibration-required"] });
    await ready();
    expect(await read("2aaa")).toBe("0000000000000080ff");
    expect(await read("2aa9")).toBe("0000020800");
    expect((await read("2aa8")).slice(-4)).toBe("ffff");
  });

  it("takes its start from a central, but not without a right CRC", async () => {
    const { ready, write, refusal, sensor } = cgmBench();
    await ready();
    const start = "ea07060f0d1e000404";
    expect(await write("2aaa", start)).toBe(refusal("2aaa", "80"));
    expect(await write("2aaa", `${start}0000`)).toBe(refusal("2aaa", "81"));
    expect(await write("2aaa", "ea07")).toBe(refusal("2aaa", "0d"));
    expect(await write("2aaa", crcOf(start))).toBe("13");
    expect(sensor.session.start).toMatchObject({ at: { hours: 13, minutes: 30 }, zoneQuarters: 4, dstOffset: 4 });
  });

  it("stops and starts again, counting from the beginning", async () => {
    const { ready, control, pass, read, sensor } = cgmBench({ crc: false });
    await ready();
    await pass(minutes(20));
    expect(await control("1a")).toBe("1c1a04");
    expect(await control("1b")).toBe("1c1b01");
    expect(sensor.session.running).toBe(false);
    expect(await read("2aa9")).toMatch(/010000$/);
    expect(() => sensor.measure({ glucose: 100 })).toThrow(/no session/);
    expect(await control("1a")).toBe("1c1a01");
    await pass(minutes(2));
    expect(sensor.session.minute).toBe(2);
    expect(sensor.measure({ glucose: 100 }).sequence).toBe(2);
  });
});

describe("control point of a CGM", () => {
  it("keeps interval and thresholds", async () => {
    const { ready, control } = cgmBench({ crc: false });
    await ready();
    expect(await control("02")).toBe("0305");
    expect(await control("0101")).toBe("1c0101");
    expect(await control("02")).toBe("0301");
    expect(await control("07b400")).toBe("1c0701");
    expect(await control("08")).toBe("09b400");
    expect(await control("19")).toBe("1c1901");
    expect(await control("07")).toBe("1c0703");
    expect(await control("04")).toBe("1c0402");
    expect(await control("ff")).toBe("1cff02");
  });

  it("wants a CRC, and gives one", async () => {
    const { ready, control, refusal } = cgmBench();
    await ready();
    expect(await control("02")).toBe(refusal("2aac", "80"));
    expect(await control("020000")).toBe(refusal("2aac", "81"));
    expect(await control(crcOf("02"))).toBe(crcOf("0305"));
  });

  it("refuses who does not listen, and a second request before the answer is confirmed", async () => {
    const { sensor, central, subscribe, write, refusal } = cgmBench({ crc: false });
    sensor.wake();
    await central.connect();
    expect(await write("2aac", "02")).toBe(refusal("2aac", "fd"));
    await subscribe("2aac", "indicate");
    central.confirms = false;
    expect(await write("2aac", "02")).toBe("13");
    expect(await write("2aac", "02")).toBe(refusal("2aac", "fe"));
  });
});
