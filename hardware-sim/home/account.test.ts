import { describe, expect, it } from "vitest";
import { toHex } from "../../protocol/bytes.ts";
import { hubId } from "../../protocol/ids.ts";
import { millis } from "../../protocol/time.ts";
import { exampleReading } from "../region/example-reading.ts";
import type { AcceptedReading } from "../region/hub-account.ts";
import type { SentPacket } from "../serial/nonin-stream.ts";
import { aanddLine } from "../serial/scale-lines.ts";
import { type AccountInput, accountOf, TIME_TO_STORE } from "./account.ts";
import type { Truth } from "./truth.ts";
import { dutyOf } from "./windows.ts";

const rawOf = (hundredths: number): string => toHex(aanddLine("ST", hundredths).bytes);

const truth = (number: number, over: Partial<Truth> = {}): Truth => ({
  sensor: "scale",
  number,
  values: aanddLine("ST", 7000 + number).values,
  raws: [rawOf(7000 + number)],
  measuredAt: millis(number * 1000),
  lastByteAt: millis(number * 1000 + 5),
  delivery: "sent",
  retains: false,
  ...over,
});

/** What the region has of measurement `number`, under sequence number `seq`. */
const reading = (number: number, seq = number, kg = (7000 + number) / 100): AcceptedReading => {
  const base = exampleReading("hub-0042", seq);
  return {
    hub: hubId("hub-0042"),
    generation: 1,
    reading: {
      ...base,
      values: [{ mdc: 188736, name: "MDC_MASS_BODY_ACTUAL", value: kg, decimals: 2, unit: "kg" }],
      provenance: { ...base.provenance, rawHex: rawOf(7000 + number) },
    },
    receivedAt: millis(number * 1000 + 50),
    receiptedAt: millis(number * 1000 + 60),
  };
};

const account = (truths: readonly Truth[], readings: readonly AcceptedReading[], over: Partial<AccountInput> = {}) =>
  accountOf({
    truths,
    streams: [],
    accepted: readings.map((one) => ({ sensor: "scale", reading: one })),
    outages: [],
    ...over,
  });

describe("account of measurements against readings", () => {
  it("finds nothing wrong where each measurement is there once", () => {
    expect(account([truth(1), truth(2)], [reading(2), reading(1)])).toMatchObject({
      taken: 2,
      delivered: 2,
      lost: 0,
      duplicatesInEffect: 0,
      altered: [],
      unexplained: [],
      interrupted: 0,
    });
  });

  it("finds what is lost, and names it", () => {
    expect(account([truth(1), truth(2)], [reading(2)])).toMatchObject({
      taken: 2,
      lost: 1,
      missing: ["scale 1 (sent)"],
    });
  });

  it("finds a measurement that took effect twice, and wants two readings of two that look alike", () => {
    const twin = truth(2, { raws: truth(1).raws, values: truth(1).values });
    expect(account([truth(1)], [reading(1), reading(1, 9)]).duplicatesInEffect).toBe(1);
    expect(account([truth(1), twin], [reading(1), reading(1, 9)])).toMatchObject({ lost: 0, duplicatesInEffect: 0 });
    expect(account([truth(1), twin], [reading(1)]).lost).toBe(1);
  });

  it.each([
    [
      "another number",
      (one: AcceptedReading) => [{ ...one.reading.values[0], value: 71.02 }],
      /is 71\.02 kg, measured 70\.01/,
    ],
    ["another precision", (one: AcceptedReading) => [{ ...one.reading.values[0], decimals: 1 }], /is 70\.0 kg/],
    ["another unit", (one: AcceptedReading) => [{ ...one.reading.values[0], unit: "[lb_av]" }], /\[lb_av\]/],
    ["another code", (one: AcceptedReading) => [{ ...one.reading.values[0], mdc: 188740 }], /is missing/],
    ["nothing", () => [], /is missing/],
    ["an absent value", () => [{ mdc: 188736, name: "x", value: null, absent: "error" }], /absent \(error\)/],
    [
      "a value too many",
      (one: AcceptedReading) => [
        ...one.reading.values,
        { mdc: 188752, name: "BMI", value: 1, decimals: 0, unit: "kg/m2" },
      ],
      /BMI was not measured/,
    ],
  ])("finds a reading that says %s", (_what, values, message) => {
    const good = reading(1);
    const bad = { ...good, reading: { ...good.reading, values: values(good) as never } };
    expect(account([truth(1)], [bad]).altered[0]).toMatch(message);
  });

  it("finds readings that nobody measured, of sensors that exist and of others", () => {
    const stranger = { sensor: null, reading: reading(7) };
    expect(account([truth(1)], [reading(1), reading(5)]).unexplained).toHaveLength(1);
    expect(account([truth(1)], [], { accepted: [stranger] }).unexplained).toHaveLength(1);
    expect(account([], [reading(1)]).unexplained).toHaveLength(1);
  });

  it("does not call lost what no hub could take: nobody listened, the line spoiled it, the hub was down", () => {
    const outages = [{ from: millis(3005 + TIME_TO_STORE), to: millis(9000) }];
    const truths = [
      truth(1, { delivery: "unheard", lastByteAt: null }),
      truth(2, { delivery: "disturbed" }),
      truth(3),
      truth(4),
      truth(20, { delivery: "early" }),
    ];
    expect(account(truths, [], { outages })).toMatchObject({ taken: 0, lost: 0, interrupted: 4, disturbed: 1 });
    expect(account(truths, [reading(3), reading(20)], { outages })).toMatchObject({ taken: 2, interrupted: 2 });
  });

  it("says until when something that nobody owes may still come", () => {
    expect(account([truth(1)], [reading(1)]).mayArriveUntil).toBeNull();
    expect(account([truth(1, { delivery: "unheard", lastByteAt: null })], []).mayArriveUntil).toBeNull();
    const early = truth(2, { delivery: "early" });
    expect(account([truth(1), early], [reading(1)]).mayArriveUntil).toBe(2005 + TIME_TO_STORE);
    expect(account([early], [reading(2)]).mayArriveUntil).toBeNull();
  });

  it("calls lost what a hub had time to store, and what a sensor keeps whatever happened to the hub", () => {
    const outages = [{ from: millis(3006 + TIME_TO_STORE), to: millis(9000) }];
    expect(account([truth(3)], [], { outages }).lost).toBe(1);
    expect(account([truth(4, { retains: true })], [], { outages }).lost).toBe(1);
    expect(account([truth(4, { delivery: "waiting" })], [], { outages }).lost).toBe(1);
  });
});

const packets = (pattern: string): SentPacket[] =>
  [...pattern].map((letter, index) => ({
    index: index + 1,
    hex: index.toString(16).padStart(250, "0"),
    values: [
      { quantity: "spo2", value: 97, decimals: 0, unit: "%" },
      { quantity: "pulse-rate.oximeter", value: 60, decimals: 0, unit: "/min" },
    ],
    valid: letter !== "-",
    sentAt: millis(index * 333),
    intact: letter !== "x",
  }));

describe("windows of a streaming oximeter", () => {
  it.each([
    ["", 0],
    ["vv", 0],
    ["vvv", 1],
    [`---${"v".repeat(32)}---`, 1],
    [`---${"v".repeat(33)}---`, 2],
    [`---${"v".repeat(63)}---`, 3],
  ])("owe by the exact rule while nothing disturbs them: %s", (pattern, owed) => {
    expect(dutyOf(packets(pattern))).toEqual({ owed, excused: 0 });
  });

  it("owe one for each 33 packets of a stretch where something did, and excuse the rest", () => {
    expect(dutyOf(packets(`${"v".repeat(32)}x${"v".repeat(66)}`))).toEqual({ owed: 2, excused: 2 });
    expect(dutyOf(packets("vvvvxvvvv"))).toEqual({ owed: 0, excused: 1 });
    expect(dutyOf(packets("xxxx"))).toEqual({ owed: 0, excused: 1 });
  });

  it("are held against the readings: each must be one packet, once, and enough of them", () => {
    const clip = { number: 1, packets: packets("v".repeat(40)), ended: true };
    const of = (index: number, seq: number): AcceptedReading => {
      const one = reading(1, seq);
      const values = [
        { mdc: 150456, name: "SpO2", value: 97, decimals: 0, unit: "%" },
        { mdc: 149530, name: "PR", value: 60, decimals: 0, unit: "/min" },
      ];
      const { provenance } = one.reading;
      const rawHex = clip.packets[index]?.hex ?? "";
      return { ...one, reading: { ...one.reading, values, provenance: { ...provenance, rawHex } } };
    };
    const held = (readings: readonly AcceptedReading[]) =>
      accountOf({
        truths: [],
        streams: [{ sensor: "oximeter", clips: [clip] }],
        accepted: readings.map((one) => ({ sensor: "oximeter", reading: one })),
        outages: [],
      });
    expect(held([of(2, 1), of(32, 2)])).toMatchObject({ taken: 2, delivered: 2, lost: 0, altered: [] });
    expect(held([of(2, 1)])).toMatchObject({ taken: 2, lost: 1, missing: ["oximeter clip 1: 1 of 2 readings"] });
    expect(held([of(2, 1), of(2, 2)])).toMatchObject({ lost: 1, duplicatesInEffect: 1 });
    expect(held([of(2, 1), of(15, 2), of(32, 3)])).toMatchObject({ taken: 3, lost: 0 });
  });
});
