import { describe, expect, it } from "vitest";
import { holdToAccount, namedByBytes, namedByIdem } from "../../bench/durability/measured.ts";
import { outsideOf } from "../../bench/durability/outside.ts";
import { createRegionLedger } from "../../bench/durability/region-ledger.ts";
import type { Reading } from "../../protocol/reading.ts";
import { millis } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { sampleReading } from "../support/sample-reading.ts";

const numbered = (seq: number, n: number): Reading => ({ ...namedByBytes.make(n), seq }) as Reading;
const acknowledged = new Map([
  [1, 1],
  [2, 2],
  [3, 3],
]);
const whole = [numbered(1, 1), numbered(2, 2), numbered(3, 3)];

describe("holding a region to account", () => {
  it("finds nothing where every acknowledged reading took effect once, in whatever order, and others as well", () => {
    const effects = [...whole.toReversed(), numbered(4, 4)];
    expect(holdToAccount(effects, acknowledged, namedByBytes)).toEqual({ lost: 0, altered: 0, doubled: 0 });
  });

  it("counts what did not arrive as lost", () => {
    expect(holdToAccount(whole.slice(1), acknowledged, namedByBytes)).toEqual({ lost: 1, altered: 0, doubled: 0 });
  });

  it("counts any other content, number included, as altered", () => {
    const [one = numbered(1, 1), two = numbered(2, 2), three = numbered(3, 3)] = whole;
    const effects = [{ ...one, status: "questionable" } as unknown as Reading, { ...two, seq: 9 } as Reading, three];
    expect(holdToAccount(effects, acknowledged, namedByBytes)).toEqual({ lost: 0, altered: 2, doubled: 0 });
  });

  it("counts a measurement that came under another id, past the region's own check, as doubled", () => {
    const again = { ...numbered(4, 1), id: sampleReading(77).id, idem: sampleReading(77).idem };
    expect(holdToAccount([...whole, again], acknowledged, namedByBytes)).toEqual({ lost: 0, altered: 0, doubled: 1 });
  });

  it("tells sample readings apart by their key", () => {
    const effects = [1, 2, 3].map((n) => ({ ...sampleReading(n), seq: n }) as Reading);
    expect(holdToAccount(effects, acknowledged, namedByIdem)).toEqual({ lost: 0, altered: 0, doubled: 0 });
  });
});

it("has each reading take effect once at its region, and counts those that come again", () => {
  const region = createRegionLedger(createReadingValidator());
  const message = JSON.stringify({ series: "0123456789ab", batch: whole });
  region.receive(message, millis(0));
  region.receive(message, millis(10));
  expect(region.effects()).toEqual(whole);
  expect(region.sentAgain).toBe(3);
  expect(region.receipt(millis(10)).receipt).toMatchObject({ through: 3, missing: [], refused: [] });
});

it("knows from the lines of a workload what the world outside knew", () => {
  const lines = ["measuring 1", "measuring 2", "stored 5 1", 'published {"series":"s","batch":[]}', "receipt {}"];
  expect(outsideOf(lines)).toEqual({
    measured: new Set([1, 2]),
    stored: new Map([[5, 1]]),
    published: ['{"series":"s","batch":[]}'],
  });
});
