import { describe, expect, it } from "vitest";
import { toHex } from "../../protocol/bytes.ts";
import { epochMs, millis, minutes } from "../../protocol/time.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { octets } from "../radio/little-endian.ts";
import { type BloodPressureValues, bloodPressureMeasurement } from "./blood-pressure.ts";
import { currentTime, dateTime, type LocalDateTime, localMs, localText } from "./date-time.ts";
import { createDeviceClock, localMsIn } from "./device-clock.ts";
import { float, type Quantity, sfloat } from "./medical-float.ts";
import { type TemperatureValues, temperatureMeasurement } from "./temperature.ts";
import { uuidFrom, uuidOctets, uuidOf } from "./uuid.ts";
import { type WeightValues, weightMeasurement } from "./weight.ts";

const at = (text: string): LocalDateTime => {
  const [year = 0, month = 0, day = 0, hours = 0, minute = 0, second = 0] = text.split(/[-T:]/).map(Number);
  return { year, month, day, hours, minutes: minute, seconds: second };
};

/** Published vectors, by their number in tests/vectors, where the source of each is named. */
describe("published vectors", () => {
  it.each<[string, Quantity, string]>([
    ["v001", 2, "0200"],
    ["v003", { value: 2, decimals: 2 }, "c8e0"],
    ["v006", 200, "c800"],
    ["v008", -1234, "2e0b"],
    ["v011", "-inf", "0208"],
    ["v016", 767, "ff02"],
    ["v018", 11.2, "70f0"],
  ])("SFLOAT %s", (_id, quantity, hex) => {
    expect(toHex(octets(sfloat(quantity)))).toBe(hex);
  });

  it.each<[string, Quantity, string]>([
    ["v019", 2, "02000000"],
    ["v021", { value: 2, decimals: 2 }, "c80000fe"],
    ["v024", -1234, "2efbff00"],
    ["v026", "+inf", "feff7f00"],
    ["v031", 26.1633, "01fe03fc"],
    ["v034", 36.97, "710e00fe"],
  ])("FLOAT %s", (_id, quantity, hex) => {
    expect(toHex(octets(float(quantity)))).toBe(hex);
  });

  it.each<[string, BloodPressureValues, LocalDateTime | null, string]>([
    [
      "v036",
      {
        systolic: 138,
        diastolic: 88,
        meanArterial: 120,
        pulse: 60,
        user: 1,
        status: { bodyMovement: true, cuffTooLoose: true, irregularPulse: true, improperPosition: true },
      },
      at("0000-04-17T20:41:59"),
      "1e8a00580078000000041114293b3c00012700",
    ],
    ["v038", { systolic: 18.9, diastolic: { value: 11, decimals: 0 }, meanArterial: 15.9 }, null, "00bdf00b009ff0"],
    [
      "v041",
      { systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51, status: {} },
      at("2024-06-15T17:17:27"),
      "167c0056006100e807060f11111b33000000",
    ],
    [
      "v043",
      { systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51, status: { pulseRate: "above-range" } },
      at("2024-06-15T17:17:27"),
      "167c0056006100e807060f11111b33000800",
    ],
  ])("blood pressure %s", (_id, values, time, hex) => {
    expect(toHex(bloodPressureMeasurement(values, time))).toBe(hex);
  });

  it.each<[string, WeightValues, LocalDateTime | null, string]>([
    [
      "v056",
      { weight: 61.37, user: 2, bmiAndHeight: { bmi: 21.2, height: 1.7 } },
      at("2021-07-23T21:33:31"),
      "0ef22fe507071715211f02d400a406",
    ],
    ["v058", { weight: 157, unit: "lb" }, null, "01543d"],
    [
      "v061",
      { weight: 157, unit: "lb", user: 3, bmiAndHeight: { bmi: 24.5, height: 68 } },
      at("2023-12-25T14:30:45"),
      "0f543de7070c190e1e2d03f500a802",
    ],
  ])("weight %s", (_id, values, time, hex) => {
    expect(toHex(weightMeasurement(values, time))).toBe(hex);
  });

  it("temperature v052", () => {
    const values: TemperatureValues = { temperature: { value: 37.6, decimals: 2 }, site: "finger" };
    expect(toHex(temperatureMeasurement(values, at("2012-12-05T11:50:27")))).toBe("06b00e00fedc070c050b321b04");
  });
});

describe("encoders", () => {
  it("write every special value", () => {
    expect((["nan", "nres", "+inf", "-inf"] as const).map((one) => toHex(octets(sfloat(one))))).toEqual([
      "ff07",
      "0008",
      "fe07",
      "0208",
    ]);
    expect((["nan", "nres", "+inf", "-inf"] as const).map((one) => toHex(octets(float(one))))).toEqual([
      "ffff7f00",
      "00008000",
      "feff7f00",
      "02008000",
    ]);
  });

  it("refuse what would read as a special value or does not fit", () => {
    expect(toHex(octets(sfloat(2045)))).toBe("fd07");
    expect(() => sfloat(2046)).toThrow(RangeError);
    expect(() => sfloat({ value: 1, decimals: 9 })).toThrow(RangeError);
    expect(() => sfloat(Number.NaN)).toThrow(RangeError);
    expect(() => float(8_388_606)).toThrow(RangeError);
    expect(() => weightMeasurement({ weight: 330 }, null)).toThrow(RangeError);
  });

  it("send a failed weighing as 0xffff, and a temperature in Fahrenheit without a time", () => {
    expect(toHex(weightMeasurement({ weight: null }, null))).toBe("00ffff");
    expect(toHex(temperatureMeasurement({ temperature: 98.6, unit: "F" }, null))).toBe("01da0300ff");
  });

  it("write Date Time and Current Time", () => {
    const monday = at("2026-06-15T17:17:27");
    expect(toHex(octets(dateTime(monday)))).toBe("ea07060f11111b");
    expect(toHex(octets(currentTime(localMs(monday) + 500)))).toBe("ea07060f11111b018000");
  });

  it("name UUIDs in their shortest form, both ways", () => {
    expect(uuidOf("00002A35-0000-1000-8000-00805F9B34FB")).toBe("2a35");
    expect(toHex(uuidOctets("2a35"))).toBe("352a");
    expect(uuidFrom(uuidOctets("00112233445566778899aabbccddeeff"))).toBe("00112233445566778899aabbccddeeff");
    expect(uuidFrom(octets(1, 2, 3))).toBeNull();
    expect(() => uuidOf("2a3")).toThrow(RangeError);
  });
});

describe("sensor clock", () => {
  const show = (state: Parameters<typeof createDeviceClock>[0]["state"]) => {
    const clock = createSimulatedClock({ startAt: epochMs(Date.UTC(2026, 5, 15, 12, 0, 0)) });
    const device = createDeviceClock({ clock, zone: "Europe/Stockholm", state });
    const text = (): string | null => {
      const now = device.read();
      return now === null ? null : localText(now);
    };
    return { clock, device, text };
  };

  it("shows the local time of the home, and goes on", async () => {
    const { clock, text } = show({ tag: "right" });
    expect(text()).toBe("2026-06-15T14:00:00");
    await clock.advance(minutes(90));
    expect(text()).toBe("2026-06-15T15:30:00");
  });

  it.each([
    [{ tag: "offset", by: millis(-3_600_000) }, "2026-06-15T13:00:00"],
    [{ tag: "factory" }, "2010-01-01T00:00:00"],
    [{ tag: "none" }, null],
  ] as const)("stands as %j", (state, shown) => {
    expect(show(state).text()).toBe(shown);
  });

  it("runs on from what it was set to", async () => {
    const { clock, device, text } = show({ tag: "factory" });
    device.set(at("2026-06-15T14:00:30"));
    await clock.advance(minutes(1));
    expect(text()).toBe("2026-06-15T14:01:30");
  });

  it("does not follow the wall clock of the world when that jumps", () => {
    const { clock, text } = show({ tag: "right" });
    clock.setWallClock(epochMs(0));
    expect(text()).toBe("2026-06-15T14:00:00");
  });

  it("knows summer and winter", () => {
    expect(localMsIn("Europe/Stockholm", epochMs(Date.UTC(2026, 0, 1)))).toBe(Date.UTC(2026, 0, 1, 1));
    expect(localMsIn("Europe/Stockholm", epochMs(Date.UTC(2026, 6, 1)))).toBe(Date.UTC(2026, 6, 1, 2));
  });
});
