import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { readTracking, TRACKING_LENGTH, trackingRequest } from "./chrony-tracking.ts";

/**
 * Recorded from chronyd 4.3 (-x) beside a server on loopback. At the same moment chronyc said: stratum 2, skew 0.103 ppm,
 * root delay 6.3 us, root dispersion 1.1 us, 1.2 us fast, reference time 2026-11-22T09:31:17.3.
 */
const RECORDED = fromHex(
  "06020000002100050000000000000000deadbeef00000000000000007f0000017f000001000000000000000000000000000100000002000000000000" +
    "6b02b66511c05946dd64d19dd2e1bb19d4d6e44cfa9f8ee6f2a0a192fcd3fd06e0d36d2edc9340a8fced3f70",
);
const SEQUENCE = 0xdeadbeef;
const COMPARED = 0x6b02b665 * 1000 + 0x11c05946 / 1e6;
const NOW = COMPARED + 64_000;

const answer = (change: (view: DataView) => void = () => undefined, now = NOW) => {
  const bytes = RECORDED.slice();
  change(new DataView(bytes.buffer));
  return readTracking(bytes, SEQUENCE, now);
};

it("asks in a packet as long as the answer, as chronyd demands", () => {
  const request = trackingRequest(SEQUENCE);
  expect(request.length).toBe(TRACKING_LENGTH);
  expect(toHex(request.subarray(0, 12))).toBe("0601000000210000deadbeef");
});

it("reads what a chronyd said, and bounds the error as chronyc's manual does", () => {
  expect(answer()).toMatchObject({
    tag: "synchronised",
    sync: { source: "chrony", reference: "127.0.0.1", stratum: 2, drift: 10e-6, ageMs: expect.closeTo(64_000, 1) },
  });
  const found = answer(undefined, COMPARED);
  // 1.156 us of offset, 1.097 us of dispersion, half of 6.301 us of delay.
  expect(found.tag === "synchronised" && found.sync.boundMs).toBeCloseTo(0.0054, 4);
});

it("lets the error grow with the drift that the measured frequency leaves, at least 10 ppm and at most 50", () => {
  const boundAfterADay = (change?: (view: DataView) => void): number => {
    const found = answer(change, COMPARED + 86_400_000);
    return found.tag === "synchronised" ? found.sync.boundMs : Number.NaN;
  };
  expect(boundAfterADay()).toBeCloseTo(864, 0);
  // chrony's float 20.0: coefficient 20 x 2^19, exponent 6.
  const skew = (word: number) => (view: DataView) => view.setUint32(88, word);
  expect(boundAfterADay(skew((6 << 25) | (20 << 19)))).toBeCloseTo(20 * 86.4, 0);
  expect(boundAfterADay(skew((12 << 25) | (1000 << 13)))).toBeCloseTo(50 * 86.4, 0);
});

it.each([
  ["IPv6", (view: DataView) => [view.setUint16(48, 2), view.setUint32(32, 0x20010db8)], "2001:db8:0:0:0:0:0:0"],
  ["a receiver", (view: DataView) => [view.setUint16(48, 0), view.setUint32(28, 0x50505300)], "PPS"],
  ["nothing printable", (view: DataView) => [view.setUint16(48, 0), view.setUint32(28, 0x01020304)], null],
])("names a reference that is %s", (_, change, reference) => {
  expect(answer((view) => void change(view))).toMatchObject({ sync: { reference } });
});

describe("does not take for synchronised", () => {
  it.each([
    ["a daemon without a server", (view: DataView) => view.setUint16(54, 3)],
    ["a daemon that keeps the clock by itself", (view: DataView) => view.setUint32(28, 0x7f7f0101)],
  ])("%s", (_, change) => {
    expect(answer(change)).toMatchObject({ tag: "unsynchronised" });
  });

  it("a clock that was set back since", () => {
    expect(answer(undefined, COMPARED - 3_600_000)).toMatchObject({ tag: "unsynchronised" });
  });

  it.each([
    ["another question's answer", (view: DataView) => view.setUint32(16, 1)],
    ["a request", (view: DataView) => view.setUint8(1, 1)],
    ["another protocol", (view: DataView) => view.setUint8(0, 7)],
    ["a refusal", (view: DataView) => view.setUint16(8, 2)],
    ["stratum 0", (view: DataView) => view.setUint16(52, 0)],
    ["stratum 16", (view: DataView) => view.setUint16(52, 16)],
    ["leap status 4", (view: DataView) => view.setUint16(54, 4)],
    ["a negative dispersion", (view: DataView) => view.setUint32(96, 0xdc000000 | 0x01ffffff)],
  ])("%s", (_, change) => {
    expect(answer(change)).toMatchObject({ tag: "silent" });
  });

  it("anything shorter", () => {
    for (let length = 0; length < TRACKING_LENGTH; length++) {
      expect(readTracking(RECORDED.subarray(0, length), SEQUENCE, NOW)).toMatchObject({ tag: "silent" });
    }
  });

  it("any other bytes, and never with a bound that is not a number", () => {
    const start = RECORDED.subarray(0, 28);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 76, maxLength: 200 }), (rest) => {
        const found = readTracking(Uint8Array.from([...start, ...rest]), SEQUENCE, NOW);
        if (found.tag !== "synchronised") return true;
        const { boundMs, ageMs, drift } = found.sync;
        return Number.isFinite(boundMs) && boundMs >= 0 && ageMs >= 0 && drift >= 10e-6 && drift <= 50e-6;
      }),
      { numRuns: 2000 },
    );
  });
});
