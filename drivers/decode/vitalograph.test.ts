import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type LungBlow,
  lungRatio,
  vitalographFrame,
  vitalographTestFrame,
} from "../../hardware-sim/serial/vitalograph-frames.ts";
import { fromHex } from "../../protocol/bytes.ts";
import type { Decoded } from "../driver.ts";
import { decimal } from "./float.ts";
import { decodeView } from "./kinds.ts";
import {
  decodeVitalograph,
  decodeVitalographTest,
  VITALOGRAPH_LONGEST_TEST,
  type VitalographMessage,
} from "./vitalograph.ts";

/** OpenTele client for Android (silverbullet-dk), LungMonitorPacketCollectorTest: octets 2, 70, 84 ... 3, 106. */
const RECORDED_F = fromHex(
  "0246544430303030313239343036333633333939303931343034303030303030303935303930303030313330353238313034343138303932 33036a",
);
/** A public decoder script's raw string `GTD0000185100...0961e`: STX and ETX are not printed, `e` is the check octet. */
const RECORDED_G = Uint8Array.of(
  0x02,
  ...Buffer.from("GTD0000185100332287323423076275000000000000095090000180718205804" + "0961", "latin1"),
  0x03,
  "e".charCodeAt(0),
);

const KIND = "serial.vitalograph.message";
const reasonOf = (decoded: Decoded<unknown>): string => (decoded.tag === "ok" ? "ok" : decoded.reason);

describe("Vitalograph test data", () => {
  it("reads the recorded blow of layout F as its publisher does", () => {
    expect(decodeVitalographTest(RECORDED_F)).toMatchObject({
      tag: "ok",
      record: {
        layout: "F",
        serial: "0000129406",
        fev1: decimal(363, 2),
        fev6: decimal(399, 2),
        fev1Fev6: decimal(91, 0),
        fef2575: decimal(404, 2),
        pef: null,
        isGood: true,
        software: "923",
        time: { year: 2013, month: 5, day: 28, hour: 10, minute: 44, second: 18 },
      },
    });
  });

  it("reads the recorded blow of layout G, whose check octet proves its length", () => {
    expect(RECORDED_G).toHaveLength(VITALOGRAPH_LONGEST_TEST);
    expect(decodeView(KIND, RECORDED_G)).toEqual({
      record: "test",
      layout: "G",
      serial: "0000185100",
      pefLPerMin: 332,
      fev075L: 2.87,
      fev1L: 3.23,
      fev6L: 4.23,
      fev1Fev6Percent: 76,
      fef2575LPerS: 2.75,
      fev1BestL: null,
      pefBestLPerMin: null,
      fev1PercentOfBest: null,
      pefPercentOfBest: null,
      decimals: { pefLPerMin: 0, fev075L: 2, fev1L: 2, fev6L: 2, fev1Fev6Percent: 0, fef2575LPerS: 2 },
      zones: { green: 95, yellow: 90, orange: 0 },
      local: "2018-07-18T20:58:04",
      goodTest: true,
      software: "961",
    });
  });

  it("is written by the simulated monitor, octet for octet, as it was recorded", () => {
    const blow = { pef: 332, fev075: 287, fev1: 323, fev6: 423, fef2575: 275 };
    expect(vitalographTestFrame("G", "185100", blow, Date.UTC(2018, 6, 18, 20, 58, 4))).toEqual(RECORDED_G);
    const other = { pef: 0, fev075: 0, fev1: 363, fev6: 399, fef2575: 404 };
    expect(vitalographTestFrame("F", "129406", other, Date.UTC(2013, 4, 28, 10, 44, 18))).toEqual(RECORDED_F);
  });

  it("gives back what any blow was", () => {
    const blows: fc.Arbitrary<LungBlow> = fc.record({
      pef: fc.nat(999),
      fev075: fc.nat(999),
      fev1: fc.nat(999),
      fev6: fc.integer({ min: 1, max: 999 }),
      fef2575: fc.nat(999),
      good: fc.boolean(),
    });
    const value = (digits: number, decimals: number) => (digits === 0 ? null : decimal(digits, decimals));
    fc.assert(
      fc.property(fc.constantFrom("F", "G"), blows, fc.nat(3_155_759_999), (layout, blow, second) => {
        fc.pre(lungRatio(blow) <= 999);
        const shownMs = Date.UTC(2000, 0, 1) + second * 1000;
        const decoded = decodeVitalographTest(vitalographTestFrame(layout, "42", blow, shownMs));
        const at = new Date(shownMs);
        expect(decoded).toMatchObject({
          tag: "ok",
          record: {
            serial: "0000000042",
            pef: layout === "G" ? value(blow.pef, 0) : null,
            fev075: layout === "G" ? value(blow.fev075, 2) : null,
            fev1: value(blow.fev1, 2),
            fev6: value(blow.fev6, 2),
            fev1Fev6: value(lungRatio(blow), 0),
            fef2575: value(blow.fef2575, 2),
            isGood: blow.good,
            time: { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() },
          },
        });
      }),
    );
  });

  it("makes no number of zeros", () => {
    const none = { pef: 0, fev075: 0, fev1: 0, fev6: 0, fef2575: 0 };
    const decoded = decodeVitalographTest(vitalographTestFrame("G", "1", none, 0));
    expect(decoded).toMatchObject({ record: { pef: null, fev075: null, fev1: null, fev6: null, fev1Fev6: null } });
  });
});

describe("damaged and foreign Vitalograph messages", () => {
  it.each([
    ["F", RECORDED_F],
    ["G", RECORDED_G],
  ])("of layout %s are no test at any shorter length", (_layout, frame) => {
    for (let length = 0; length < frame.length; length++) {
      expect(reasonOf(decodeVitalograph(frame.subarray(0, length))), `${length} octets`).toBe("truncated");
    }
  });

  it.each([
    ["F", RECORDED_F],
    ["G", RECORDED_G],
  ])("of layout %s are found out with any bit flipped, and with an octet more or less", (_layout, frame) => {
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = Uint8Array.from(frame);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeVitalograph(flipped).tag, `bit ${bit}`).toBe("malformed");
    }
    for (let at = 0; at < frame.length; at++) {
      expect(decodeVitalographTest(frame.filter((_, index) => index !== at)).tag, `without ${at}`).toBe("malformed");
      const doubled = Uint8Array.from([...frame.subarray(0, at), frame[at] ?? 0, ...frame.subarray(at)]);
      expect(decodeVitalographTest(doubled).tag, `twice ${at}`).toBe("malformed");
    }
  });

  it.each([
    ["test data of another model's layout", `DTD${"0".repeat(65)}`, "unsupported"],
    ["a field that is no number", `GTD00001851003-2${"0".repeat(52)}`, "format"],
    ["a verdict that is neither good nor bad", `GTD${"0".repeat(61)}2961`, "range"],
    ["a layout that grew", `GTD${"0".repeat(66)}`, "format"],
    ["a layout that shrank", `FTD${"0".repeat(50)}`, "truncated"],
    ["letters that are no code", "gtd000", "format"],
  ])("are told apart: %s", (_what, text, reason) => {
    expect(reasonOf(decodeVitalograph(vitalographFrame(text)))).toBe(reason);
  });

  it("are messages all the same when they carry no test", () => {
    const other: Decoded<VitalographMessage> = { tag: "ok", record: { tag: "other", code: "GPD", length: 13 } };
    const frame = vitalographFrame("GPD0000185100");
    expect(decodeVitalograph(frame)).toEqual(other);
    expect(reasonOf(decodeVitalographTest(frame))).toBe("unsupported");
    expect(decodeView(KIND, frame)).toEqual({ record: "other", code: "GPD", length: 13 });
  });

  it("show no time of a date that no calendar has", () => {
    const frame = vitalographFrame(`FTD0000129406363399091404000000095090000${"991399"}1044180923`);
    expect(decodeView(KIND, frame)).toMatchObject({ record: "test", local: null });
  });
});
