import type { DateTime } from "../../drivers/decode/date-time.ts";
import type { ClockPair, ReadingContext } from "../../drivers/driver.ts";
import type { Measurement } from "../../drivers/normalise/reading.ts";
import { assignmentId, driverId, hubId } from "../../protocol/ids.ts";
import type { ReadingValue } from "../../protocol/reading.ts";
import { type Arrival, epochMs, millis } from "../../protocol/time.ts";

/** What one reading is made of. */
export interface GoldenInput {
  readonly measurement: Measurement;
  readonly context: ReadingContext;
}

/** Whole numbers below `below`, the same at every run (Park and Miller's minimal standard generator). */
const createDice = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
};

const ZONES = ["Europe/Stockholm", "UTC", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"];
const UNITS = ["mm[Hg]", "kPa", "/min", "%", "kg", "Cel", "mg/dL", "1"];
const ABSENT = ["not-a-number", "positive-infinity", "negative-infinity", "error", "unknown"] as const;
/** Values whose text is easily made wrong: carries, ties, minus zero, more digits than a double has. */
const VALUES = [0, -0, 1, 2, 124, 0.1, 1.005, 2.5, 0.5, 36.65, 79.655, 1e21, 1.5e-7, -1.25, 999.995, 123_456_789.125];

type Dice = ReturnType<typeof createDice>;

const anyValue = (dice: Dice): ReadingValue => {
  const mdc = 150_000 + dice(500);
  const name = `MDC_${mdc}`;
  if (dice(6) === 0) return { mdc, name, value: null, absent: ABSENT[dice(5)] ?? "error" };
  const value = dice(2) === 0 ? (VALUES[dice(VALUES.length)] ?? 0) : dice(100_000) / 10 ** dice(5);
  return { mdc, name, value, decimals: dice(8) === 0 ? dice(30) - 3 : dice(4), unit: UNITS[dice(8)] ?? "1" };
};

const stampOf = (dice: Dice): DateTime | null => {
  if (dice(5) === 0) return null;
  const isWhole = dice(6) > 0;
  return {
    year: isWhole ? 2026 : ([0, 1999, 2010, 9999, 2024][dice(5)] ?? 0),
    month: isWhole ? 1 + dice(12) : dice(14),
    day: isWhole ? 1 + dice(28) : dice(33),
    hour: dice(24),
    minute: dice(60),
    second: dice(5) === 0 ? null : dice(60),
  };
};

const arrivalOf = (dice: Dice, utc: number): Arrival => {
  const isUnset = dice(8) === 0;
  return {
    utc: isUnset ? null : epochMs(utc),
    bootId: "b0a7c1de-0000-4000-8000-000000000001",
    monoMs: millis(utc - Date.UTC(2026, 0, 1) + 500_000),
    hubClock: isUnset
      ? { state: "unset", errorMs: null }
      : { state: "ntp", errorMs: dice(4) === 0 ? null : dice(500) / 4 },
  };
};

const pad = (value: number): string => String(value).padStart(2, "0");

/** Often one that agrees with the stamp's day, sometimes far off, sometimes none. */
const pairOf = (dice: Dice, at: Arrival, utc: number): ClockPair | null => {
  if (dice(4) === 0) return null;
  const back = dice(90_000);
  const ahead = [7_200_000, 3_600_000, -86_400_000 * 40, 41_000, 0][dice(5)] ?? 0;
  const shown = new Date(utc - back + ahead);
  const device = `${shown.getUTCFullYear()}-${pad(shown.getUTCMonth() + 1)}-${pad(shown.getUTCDate())}T${shown.toISOString().slice(11, 19)}`;
  return {
    device: dice(20) === 0 ? device.slice(0, 16) : device,
    hub: { ...at, bootId: dice(12) === 0 ? "another" : at.bootId, monoMs: millis(at.monoMs - back) },
    uncertaintyMs: 1000 + dice(4000) / 8,
  };
};

const contextOf = (dice: Dice, time: DateTime | null): ReadingContext => {
  const near = time === null ? Date.UTC(2026, dice(12), 1 + dice(28), dice(24), dice(60), dice(60), dice(1000)) : null;
  const utc =
    near ??
    Date.UTC(2026, (time?.month ?? 1) - 1, time?.day, (time?.hour ?? 0) - dice(3), time?.minute, dice(120)) +
      dice(1000);
  const at = arrivalOf(dice, utc);
  return {
    assignment: assignmentId("a-7f3c9b"),
    hub: { id: hubId("hub-0042"), version: "0.1.0" },
    device: {
      systemId: dice(2) === 0 ? null : "0022afffe7123456",
      manufacturer: "Märke",
      model: "M-1",
      serial: null,
      firmware: null,
      udi: null,
      catalogue: "maker-m1@1",
      batteryPercent: null,
    },
    address: "c4:be:84:12:34:56",
    driver: { id: driverId("golden"), version: "1.0.0" },
    transport: dice(2) === 0 ? "ble" : "serial",
    source: "2a35",
    raw: Uint8Array.from({ length: dice(20) }, () => dice(256)),
    at,
    pair: pairOf(dice, at, utc),
    counter: dice(5000),
    zone: ZONES[dice(ZONES.length)] ?? "UTC",
  };
};

const inputOf = (dice: Dice): GoldenInput => {
  const time = stampOf(dice);
  const quick = dice(4) === 0;
  return {
    measurement: {
      kind: "blood-pressure",
      status: "final",
      values: Array.from({ length: 1 + dice(4) }, () => anyValue(dice)),
      supplemental: Array.from({ length: dice(3) }, () => 150_000 + dice(2000)),
      context: { userSlot: dice(4) },
      flags: [],
      quality: [],
      time,
      ...(dice(6) === 0 ? { offsetMin: dice(1600) - 800 } : {}),
      ...(dice(6) === 0 ? { weekday: 1 + dice(7) } : {}),
      ...(quick ? { durationMs: dice(100_000) } : {}),
      ...(dice(4) === 0 ? { deviceSequence: dice(65_536) } : {}),
      ...(dice(6) === 0 ? { device: { serial: `s${dice(100)}` } } : {}),
    },
    context: contextOf(dice, time),
  };
};

/** The same inputs at every run. */
export const goldenInputs = (count: number, seed = 20_261_122): readonly GoldenInput[] => {
  const dice = createDice(seed);
  return Array.from({ length: count }, () => inputOf(dice));
};
