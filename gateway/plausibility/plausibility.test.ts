import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf } from "../../protocol/codes.ts";
import { idemOf, readingIdOf } from "../../protocol/idem.ts";
import { type AssignmentId, assignmentId, sensorId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { DraftReading, Quality, ReadingValue, TimeFault } from "../../protocol/reading.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import type { LimitConfig } from "../config/hub-config.ts";
import { DEFAULT_LIMITS, limitsOf, NEVER_ABOVE, tableOf } from "./limits.ts";
import { createPlausibility, type Plausibility } from "./plausibility.ts";
import { inUnit } from "./units.ts";

const HIS = assignmentId("a-his");
const HERS = assignmentId("a-hers");
const SCALE = sensorId("scale");
const NOON = Date.UTC(2026, 5, 15, 12);
const HOUR = 3_600_000;

const of = (quantity: string, value: number, unit = codeOf(quantity).ucum ?? ""): ReadingValue => {
  const { mdc, name } = codeOf(quantity);
  return { mdc, name, value, decimals: 1, unit };
};

let made = 0;
/** A reading with these values, taken `hours` after noon; each is another measurement. */
const reading = (values: readonly ReadingValue[], hours = 0, changes: Partial<DraftReading> = {}): DraftReading => {
  made += 1;
  const sample = sampleReading(made);
  const time = { ...sample.time, start: new Date(NOON + hours * HOUR).toISOString() };
  return { ...sample, assignment: HIS, values, context: {}, time, ...changes };
};
const weight = (kg: number, hours = 0, changes: Partial<DraftReading> = {}): DraftReading =>
  reading([of("body-weight", kg)], hours, changes);

const setUp = (limits: readonly LimitConfig[] = [], userSlot: number | null = null) => {
  const lines: string[] = [];
  const write = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
  const userSlots = new Map(userSlot === null ? [] : [[SCALE, userSlot] as const]);
  const plausibility: Plausibility = createPlausibility({ limits, userSlots, logger });
  const quality = (one: DraftReading): readonly Quality[] => plausibility.judge(SCALE, one).quality;
  return { plausibility, quality, lines };
};

const limit = (quantity: string, changes: Partial<LimitConfig>): LimitConfig => ({
  quantity,
  assignment: null,
  min: null,
  max: null,
  jumps: null,
  ...changes,
});

describe("the default limits", () => {
  it("are about codes that there are, each name once, and hold something", () => {
    expect(tableOf(DEFAULT_LIMITS).size).toBeGreaterThan(25);
    expect(new Set(DEFAULT_LIMITS.map(({ name }) => name)).size).toBe(DEFAULT_LIMITS.length);
    for (const { min, max, why } of DEFAULT_LIMITS) expect([min < max, why.length > 10]).toEqual([true, true]);
    const names = new Set(DEFAULT_LIMITS.map(({ name }) => name));
    expect(NEVER_ABOVE.flat().filter((name) => !names.has(name))).toEqual([]);
  });

  it.each<[string, number, string, boolean]>([
    ["blood-pressure.systolic", 124, "mm[Hg]", true],
    ["blood-pressure.systolic", 12.4, "mm[Hg]", false],
    ["blood-pressure.systolic", 16.5, "kPa", true],
    ["blood-pressure.systolic", 165, "kPa", false],
    ["body-temperature.site.3", 37.2, "Cel", true],
    ["body-temperature", 98.6, "[degF]", true],
    ["body-temperature", 98.6, "Cel", false],
    ["glucose.type.1", 5.6, "mmol/L", true],
    ["glucose.type.1", 5.6, "mg/dL", false],
    ["glucose.type.10", 5.6, "mg/dL", true],
    ["body-weight", 160, "[lb_av]", true],
    ["body-weight", 728, "kg", false],
    ["body-height", 1.81, "m", true],
    ["body-height", 71, "[in_i]", true],
    ["spo2", 101, "%", false],
    ["spo2", 50, "%", true],
    ["pulse-rate.cuff", 321, "/min", true],
    ["pulse-rate.cuff", 17.9, "/min", false],
    ["pef", 420, "L/min", true],
    ["plx.pulse-amplitude-index", 1000, "%", true],
    ["body-weight", 72, "[stone]", true],
  ])("say of %s %d %s that it can be: %s", (quantity, value, unit, canBe) => {
    expect(setUp().quality(reading([of(quantity, value, unit)]))).toEqual(canBe ? [] : ["implausible"]);
  });

  it("know that a lower pressure is never above an upper one", () => {
    const { quality } = setUp();
    const pressure = (systolic: number, diastolic: number): DraftReading =>
      reading([of("blood-pressure.systolic", systolic), of("blood-pressure.diastolic", diastolic)]);
    expect(quality(pressure(124, 80))).toEqual([]);
    expect(quality(pressure(80, 124))).toEqual(["implausible"]);
    expect(quality(reading([of("fev1", 3.1), of("fvc", 2.9)]))).toEqual(["implausible"]);
  });

  it("do not judge what was not measured, or not on anybody", () => {
    const { quality } = setUp();
    const absent: ReadingValue = { ...codeOf("body-weight"), value: null, absent: "error" };
    expect(quality(reading([absent]))).toEqual([]);
    for (const status of ["not-performed", "entered-in-error"] as const) {
      expect(quality(weight(999, 0, { status }))).toEqual([]);
    }
    expect(quality(weight(999, 0, { quality: ["test-data"] }))).toEqual(["test-data"]);
  });
});

describe("limits of the configuration", () => {
  it("stand before the defaults, those of one person before those of all", () => {
    const config = [
      limit("body-weight", { min: 40, max: 120 }),
      limit("body-weight", { assignment: HERS, max: 70, jumps: [] }),
    ];
    const of = (assignment: AssignmentId) => limitsOf(config, assignment).find(({ name }) => name === "body-weight");
    expect(of(HIS)).toMatchObject({ min: 40, max: 120, jumps: [{ by: 4 }, { by: 8 }] });
    expect(of(HERS)).toMatchObject({ min: 40, max: 70, jumps: [] });
    const { quality } = setUp(config);
    expect(quality(weight(80))).toEqual([]);
    expect(quality(weight(80, 0, { assignment: HERS }))).toEqual(["implausible"]);
    expect(quality(weight(39))).toEqual(["implausible", "unconfirmed"]);
  });

  it("make jumps of quantities that have none by default", () => {
    const { quality } = setUp([limit("spo2", { jumps: [{ by: 10, hours: 1 }] })]);
    const spo2 = (value: number, hours: number): DraftReading => reading([of("spo2", value)], hours);
    expect([spo2(97, 0), spo2(86, 0.5), spo2(86, 2)].map(quality)).toEqual([[], ["unconfirmed"], []]);
  });
});

describe("a jump", () => {
  it("makes a reading unconfirmed, and the next is compared with the last that was accepted", () => {
    const { quality } = setUp();
    expect([weight(80), weight(65, 1), weight(80.5, 2), weight(66, 24), weight(79, 25)].map(quality)).toEqual([
      [],
      ["unconfirmed"],
      [],
      ["unconfirmed"],
      [],
    ]);
  });

  it("is none where there was time for it", () => {
    const { quality } = setUp();
    expect([weight(80), weight(75, 37), weight(66, 37 + 241)].map(quality)).toEqual([[], [], []]);
  });

  it("is measured in one unit, whatever the sensors send", () => {
    const { quality } = setUp();
    expect(quality(weight(80))).toEqual([]);
    expect(quality(reading([of("body-weight", 176.4, "[lb_av]")], 1))).toEqual([]);
    expect(quality(reading([of("body-weight", 143, "[lb_av]")], 1))).toEqual(["unconfirmed"]);
  });

  it("is one person's own", () => {
    const { quality } = setUp();
    expect([weight(80), weight(62, 1, { assignment: HERS }), weight(61, 2, { assignment: HERS })].map(quality)).toEqual(
      [[], [], []],
    );
  });

  it("goes by the time of measurement: what a sensor had stored is compared with its own days", () => {
    const { quality } = setUp();
    // Ten kilograms in half a year; the scale hands out its memory after today's reading, newest first.
    const memory = [0, -30, -60, -90, -120, -150].map((days) => weight(80 - days / 15, days * 24));
    expect(memory.map(quality)).toEqual(memory.map(() => []));
    expect(quality(weight(62, -90 * 24 + 1, { quality: ["stored"] }))).toEqual(["stored", "unconfirmed"]);
    expect(quality(weight(86.2, -90 * 24 + 2))).toEqual([]);
  });

  it("is none where the time is in doubt, and a doubtful time is no measure for others", () => {
    const { quality } = setUp();
    const at = (start: string | null, faults: readonly TimeFault[]) => {
      const { time } = weight(0);
      return { time: { ...time, start, faults } };
    };
    const noon = new Date(NOON).toISOString();
    expect(quality(weight(80))).toEqual([]);
    expect(quality(weight(60, 0, at(null, [])))).toEqual([]);
    expect(quality(weight(60, 0, at(noon, ["future"])))).toEqual([]);
    expect(quality(weight(60, 0, at(noon, ["dst-fold"])))).toEqual(["unconfirmed"]);
    expect(quality(weight(79, 1))).toEqual([]);
  });

  it("is none between a reading and itself, however often the sensor sends it", () => {
    const { quality } = setUp([limit("body-weight", { jumps: [{ by: 0.001, hours: 24 }] })]);
    const first = weight(80);
    expect([first, first, weight(80, 1), first].map(quality)).toEqual([[], [], [], []]);
  });

  it("is not measured against what is doubtful itself, was taken back or put right", () => {
    const { quality } = setUp();
    expect(quality(weight(60, 0, { quality: ["questionable"] }))).toEqual(["questionable"]);
    const slip = weight(88, 1, { quality: ["manual"] });
    expect(quality(slip)).toEqual(["manual"]);
    expect(quality(weight(80, 2, { quality: ["manual"], replaces: slip.id }))).toEqual(["manual", "unconfirmed"]);
    expect(quality(weight(80.2, 3))).toEqual([]);
  });

  it("is known after a start from what still waits", () => {
    const before = setUp();
    before.plausibility.learn(weight(80));
    before.plausibility.learn(weight(62, 1, { quality: ["unconfirmed"] }));
    expect(before.quality(weight(63, 2))).toEqual(["unconfirmed"]);
    expect(setUp().quality(weight(63, 2))).toEqual([]);
  });
});

describe("a user slot", () => {
  it("that is another, unknown or not told makes a reading unconfirmed, where the sensor is shared", () => {
    const { quality, plausibility } = setUp([], 2);
    const slots = [2, 1, 255, undefined].map((userSlot) =>
      weight(80, 0, { context: userSlot === undefined ? {} : { userSlot } }),
    );
    expect(slots.map(quality)).toEqual([[], ["unconfirmed"], ["unconfirmed"], ["unconfirmed"]]);
    expect(plausibility.judge(null, weight(80)).quality).toEqual([]);
  });

  it("255 is nobody's, on any sensor; every other is the patient's where nobody else uses it", () => {
    const { quality } = setUp();
    expect([0, 1, 254, 255].map((userSlot) => quality(weight(80, 0, { context: { userSlot } })))).toEqual([
      [],
      [],
      [],
      ["unconfirmed"],
    ]);
    expect(quality(weight(80, 0, { quality: ["unconfirmed"], context: { userSlot: 255 } }))).toEqual(["unconfirmed"]);
  });

  it("of two people on one scale never makes a measure of the other's weight", () => {
    const { quality } = setUp([], 1);
    const slot = (userSlot: number) => ({ context: { userSlot } });
    expect(
      [weight(62, 0, slot(2)), weight(80, 1, slot(1)), weight(62, 2, slot(1)), weight(80, 3, slot(1))].map(quality),
    ).toEqual([["unconfirmed"], [], ["unconfirmed"], []]);
  });
});

it("says in the log that a reading was flagged, and nothing of its value", () => {
  const { quality, lines } = setUp([], 1);
  quality(weight(80));
  quality(weight(731.9, 1));
  expect(lines).toEqual([
    'reading flagged {"sensor":"scale","kind":"blood-pressure","reason":"user-slot"}',
    'reading flagged {"sensor":"scale","kind":"blood-pressure","reason":"out-of-range, user-slot"}',
  ]);
});

it("knows how to compare units, and says where it does not", () => {
  expect(inUnit(16, "kPa", "mm[Hg]")).toBeCloseTo(120.01, 2);
  expect(inUnit(100.4, "[degF]", "Cel")).toBeCloseTo(38, 6);
  expect(inUnit(5.5, "mmol/L", "mg/dL")).toBeCloseTo(99.09, 2);
  expect(inUnit(1, "cubit", "cm")).toBeNull();
});

const QUALITIES: readonly Quality[] = ["questionable", "stored", "unconfirmed", "test-data", "calibrating", "manual"];
const FAULTS: readonly TimeFault[] = ["future", "factory-date", "dst-fold", "timeline-unknown"];
const CODES = DEFAULT_LIMITS.flatMap(({ quantities }) => quantities).map(codeOf);

const arbitraryValue: fc.Arbitrary<ReadingValue> = fc
  .tuple(
    fc.constantFrom(...CODES),
    fc.oneof(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.integer({ min: 0, max: 500 }), fc.constant(null)),
    fc.constantFrom("mm[Hg]", "kPa", "kg", "[lb_av]", "Cel", "[degF]", "%", "/min", "mg/dL", "mmol/L", "nonsense"),
  )
  .map(([{ mdc, name }, value, unit]) =>
    value === null ? { mdc, name, value, absent: "not-a-number" } : { mdc, name, value, decimals: 1, unit },
  );

const arbitraryReading: fc.Arbitrary<DraftReading> = fc
  .record({
    values: fc.array(arbitraryValue, { minLength: 1, maxLength: 4 }),
    quality: fc.uniqueArray(fc.constantFrom(...QUALITIES), { maxLength: 3 }),
    status: fc.constantFrom("final", "preliminary", "entered-in-error", "not-performed"),
    assignment: fc.constantFrom(HIS, HERS),
    userSlot: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
    start: fc.option(fc.date({ min: new Date(NOON - 1e9), max: new Date(NOON), noInvalidDate: true }), { nil: null }),
    faults: fc.uniqueArray(fc.constantFrom(...FAULTS), { maxLength: 1 }),
    replaces: fc.boolean(),
  })
  .map(({ userSlot, start, faults, values, replaces, ...rest }) => {
    made += 1;
    const sample = sampleReading(made);
    const { assignment } = rest;
    const when = { bootId: "boot-1", counter: made };
    const idem = idemOf({
      assignment,
      device: "d",
      values,
      supplemental: [],
      when,
      durationMs: null,
      deviceSequence: null,
    });
    return {
      ...sample,
      ...rest,
      idem,
      id: readingIdOf(idem),
      replaces: replaces ? sample.id : null,
      values,
      context: userSlot === undefined ? {} : { userSlot },
      time: { ...sample.time, start: start?.toISOString() ?? null, faults },
    };
  });

describe("whatever is read", () => {
  const validate = createReadingValidator();

  it("no reading is dropped and nothing of it is altered but qualities that are added", () => {
    void fc.assert(
      fc.property(
        fc.array(arbitraryReading, { maxLength: 12 }),
        fc.option(fc.integer({ min: 0, max: 3 })),
        (all, slot) => {
          const { plausibility } = setUp([], slot);
          const originals = structuredClone(all);
          const judged = all.map((one) => plausibility.judge(SCALE, one));
          expect(judged).toHaveLength(originals.length);
          judged.forEach((one, i) => {
            const original = originals[i];
            if (original === undefined) throw new Error("no original");
            const { quality, ...rest } = one;
            const { quality: had, ...before } = original;
            expect(rest).toEqual(before);
            expect(quality.slice(0, had.length)).toEqual(had);
            const added = quality.slice(had.length);
            expect(added.every((flag) => flag === "implausible" || flag === "unconfirmed")).toBe(true);
            expect(new Set(quality).size).toBe(quality.length);
            expect(validate({ ...one, seq: 1 })).toEqual(
              validate({ ...original, seq: 1 }).tag === "ok"
                ? { tag: "ok", reading: { ...one, seq: 1 } }
                : expect.anything(),
            );
          });
          expect(all).toEqual(originals);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("a flag changes neither the idem nor the id of a measurement", () => {
    const parts = {
      assignment: HIS,
      device: "serial:scale",
      values: [of("body-weight", 999)],
      supplemental: [],
      when: { deviceRaw: "2026-06-15T12:00:00" },
      durationMs: null,
      deviceSequence: null,
    };
    const idem = idemOf(parts);
    const judged = setUp().plausibility.judge(SCALE, {
      ...weight(999),
      values: parts.values,
      idem,
      id: readingIdOf(idem),
    });
    expect(judged.quality).toEqual(["implausible"]);
    expect([judged.idem, judged.id]).toEqual([idem, readingIdOf(idem)]);
    expect(idemOf({ ...parts, values: judged.values })).toBe(idem);
  });

  it("says the same of the same stored readings in whatever order they come", () => {
    const history = fc.array(fc.tuple(fc.integer({ min: 790, max: 810 }), fc.integer({ min: -2000, max: 0 })), {
      minLength: 2,
      maxLength: 12,
    });
    void fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (days, order) => {
        const all = days.map(([tenths, hours]) => weight(tenths / 10, hours, { quality: ["stored"] }));
        const shuffled = all.map((one) => ({ one, key: order.next().value ?? 0 })).sort((a, b) => a.key - b.key);
        const { quality } = setUp();
        // Within two kilograms of each other, whatever comes first: no order makes a jump of that.
        expect(shuffled.map(({ one }) => quality(one))).toEqual(all.map(() => ["stored"]));
      }),
      { numRuns: 100 },
    );
  });
});
