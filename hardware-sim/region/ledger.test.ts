import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import { account, contiguousOf, emptyLedger, isAccounted, type Ledger, missingCount, statementOf } from "./ledger.ts";

const rules = { grace: millis(500), maxMissing: 3 };
const ledgerOf = (numbers: readonly number[], at = 0): Ledger =>
  numbers.reduce((ledger, seq) => account(ledger, seq, millis(at)), emptyLedger);

describe("ledger of sequence numbers", () => {
  it("says nothing about a hub that has sent nothing", () => {
    expect(statementOf(emptyLedger, millis(0), rules)).toEqual({ through: 0, missing: [], changesAt: null });
  });

  it("reaches the same account whatever the order and however often numbers arrive", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }), (numbers) => {
        const ledger = ledgerOf(numbers);
        const seen = new Set(numbers);
        for (let seq = 0; seq <= 62; seq++) expect(isAccounted(ledger, seq)).toBe(seen.has(seq));
        expect(missingCount(ledger)).toBe(ledger.high - seen.size);
      }),
    );
  });

  it("never states a number that it has not, at any time and whatever the bound", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(50)), { maxLength: 60 }),
        fc.nat(2000),
        fc.integer({ min: 0, max: 4 }),
        (arrivals, later, maxMissing) => {
          let at = 0;
          let ledger = emptyLedger;
          for (const [seq, pause] of arrivals) {
            at += pause;
            ledger = account(ledger, seq, millis(at));
          }
          const { through, missing } = statementOf(ledger, millis(at + later), { ...rules, maxMissing });
          expect(missing.length).toBeLessThanOrEqual(maxMissing);
          for (let seq = 1; seq <= through; seq++) {
            const named = missing.some(([from, to]) => from <= seq && seq <= to);
            expect(named).toBe(!isAccounted(ledger, seq));
          }
        },
      ),
    );
  });

  it("waits with a gap for the grace, then passes over it and names it", () => {
    const ledger = ledgerOf([1, 2, 5], 100);
    expect(contiguousOf(ledger)).toBe(2);
    expect(statementOf(ledger, millis(599), rules)).toEqual({ through: 2, missing: [], changesAt: 600 });
    expect(statementOf(ledger, millis(600), rules)).toEqual({ through: 5, missing: [[3, 4]], changesAt: null });
  });

  it("does not wait anew when an old gap becomes smaller", () => {
    const old = ledgerOf([1, 9], 0);
    expect(statementOf(account(old, 5, millis(900)), millis(900), rules)).toEqual({
      through: 9,
      missing: [
        [2, 4],
        [6, 8],
      ],
      changesAt: null,
    });
  });

  it("stops below the first gap that does not fit into the list", () => {
    expect(statementOf(ledgerOf([2, 4, 6, 8]), millis(1000), rules)).toEqual({
      through: 6,
      missing: [
        [1, 1],
        [3, 3],
        [5, 5],
      ],
      changesAt: null,
    });
  });

  it("asks for everything below a first number that is not 1", () => {
    expect(statementOf(ledgerOf([4711]), millis(500), rules).missing).toEqual([[1, 4710]]);
  });
});
