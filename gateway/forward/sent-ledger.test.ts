import { describe, expect, it } from "vitest";
import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { createSentLedger, type Patience, type SentLedger } from "./sent-ledger.ts";

const seqs = (...numbers: number[]): Seq[] => numbers as Seq[];
const receipt = (through: number, missing: [number, number][] = [], refused: number[] = []): Receipt =>
  ({ through, missing, refused: refused.map((seq) => ({ seq, reason: "no" })) }) as unknown as Receipt;
const t = (ms: number): Millis => millis(ms);
const patience: Patience = { unasked: t(60_000), asked: t(2000) };

const sentAndAcked = (ledger: SentLedger, numbers: number[], at: number): number => {
  const { order } = ledger.add(seqs(...numbers), 10, t(at));
  ledger.acknowledge(order, t(at));
  return order;
};

describe("the account of what was sent", () => {
  it("knows what is under way until a receipt accounts for it", () => {
    const ledger = createSentLedger();
    sentAndAcked(ledger, [1, 2, 3], 0);
    expect(ledger.size).toBe(3);
    expect(ledger.apply(receipt(2), t(5))).toEqual([]);
    expect([1, 2, 3].map((seq) => ledger.has(seq as Seq))).toEqual([false, false, true]);
    ledger.apply(receipt(3), t(6));
    expect(ledger.size).toBe(0);
  });

  it("takes a refusal for an account, wherever it stands", () => {
    const ledger = createSentLedger();
    sentAndAcked(ledger, [1, 2], 0);
    ledger.apply(receipt(0, [], [2]), t(5));
    expect(ledger.has(2 as Seq)).toBe(false);
    expect(ledger.has(1 as Seq)).toBe(true);
  });

  it("calls a batch lost that is missing while a later one has arrived", () => {
    const ledger = createSentLedger();
    const lost = sentAndAcked(ledger, [1, 2], 0);
    sentAndAcked(ledger, [3, 4], 1);
    expect(ledger.apply(receipt(4, [[1, 2]]), t(5)).map(({ order }) => order)).toEqual([lost]);
  });

  it("does not call a batch lost that the region may still be waiting for", () => {
    const ledger = createSentLedger();
    sentAndAcked(ledger, [10], 0);
    sentAndAcked(ledger, [1, 2], 1);
    expect(ledger.apply(receipt(10, [[1, 9]]), t(5))).toEqual([]);
    expect(ledger.overdue(patience, t(2004))).toEqual([]);
    expect(ledger.overdue(patience, t(2005))).toHaveLength(1);
  });

  it("never calls a batch late or lost that the broker has not taken", () => {
    const ledger = createSentLedger();
    ledger.add(seqs(1), 10, t(0));
    sentAndAcked(ledger, [2], 0);
    expect(ledger.apply(receipt(2, [[1, 1]]), t(5))).toEqual([]);
    expect(ledger.overdue(patience, t(1_000_000))).toEqual([]);
    expect(ledger.nextDue(patience)).toBeNull();
    expect(ledger.inFlight.map(({ seqs: numbers }) => numbers)).toEqual([[1]]);
  });

  it("is patient while the region works through what came before", () => {
    const ledger = createSentLedger();
    sentAndAcked(ledger, [1], 0);
    sentAndAcked(ledger, [2], 0);
    ledger.apply(receipt(1), t(50_000));
    expect(ledger.overdue(patience, t(100_000))).toEqual([]);
    expect(ledger.nextDue(patience)).toBe(110_000);
    expect(ledger.overdue(patience, t(110_000))).toHaveLength(1);
  });

  it("tells the lowest number when it forgets everything", () => {
    const ledger = createSentLedger();
    expect(ledger.clear()).toBeNull();
    sentAndAcked(ledger, [100, 101], 0);
    sentAndAcked(ledger, [7], 0);
    expect(ledger.clear()).toBe(7);
    expect(ledger.size).toBe(0);
    expect(ledger.nextDue(patience)).toBeNull();
  });
});
