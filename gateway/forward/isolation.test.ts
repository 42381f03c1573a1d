import { describe, expect, it } from "vitest";
import type { Seq } from "../../protocol/ids.ts";
import { createIsolation, type Isolation, MOST_IN_A_ROW } from "./isolation.ts";

const seqs = (from: number, to: number): Seq[] => Array.from({ length: to - from + 1 }, (_, i) => (from + i) as Seq);

/** Send suspects alone until none is left; `refuses` says what the broker does not take. Returns how many were sent. */
const resolve = (isolation: Isolation, refuses: (seq: Seq) => boolean): number => {
  let sent = 0;
  for (let group = isolation.suspect; group !== null; group = isolation.suspect) {
    sent += 1;
    if (group.some(refuses)) isolation.convict("refused");
    else isolation.clear();
  }
  return sent;
};

describe("isolating a reading that the broker does not take", () => {
  it.each([1, 2, 77, 128])("finds number %i among 128 in about log2 steps", (guilty) => {
    const isolation = createIsolation();
    isolation.accuse([seqs(1, 128)]);
    expect(resolve(isolation, (seq) => seq === guilty)).toBeLessThanOrEqual(1 + 2 * 7);
    expect(isolation.quarantined.map(({ seq }) => seq)).toEqual([guilty]);
    expect(isolation.holds(guilty as Seq)).toBe(true);
    expect(isolation.holds(64 as Seq)).toBe(false);
  });

  it("tries every message that was in flight, in the order in which they were sent", () => {
    const isolation = createIsolation();
    isolation.accuse([seqs(1, 4), seqs(5, 8)]);
    expect(isolation.suspect).toEqual([1, 2, 3, 4]);
    resolve(isolation, (seq) => seq === 6);
    expect(isolation.quarantined.map(({ seq }) => seq)).toEqual([6]);
  });

  it("does not hold the same reading twice", () => {
    const isolation = createIsolation();
    isolation.accuse([seqs(1, 4)]);
    isolation.accuse([seqs(1, 4)]);
    resolve(isolation, () => false);
    expect(isolation.holds(1 as Seq)).toBe(false);
    expect(isolation.suspect).toBeNull();
  });

  it("blames the broker where nothing at all is accepted, and frees everything", () => {
    const isolation = createIsolation();
    isolation.accuse([seqs(10, 40)]);
    let last = isolation.convict("refused");
    while (last.tag !== "not-the-readings" && isolation.suspect !== null) last = isolation.convict("refused");
    expect(last).toEqual({ tag: "not-the-readings", from: 10 });
    expect(isolation.quarantined).toEqual([]);
    expect(isolation.suspect).toBeNull();
    expect(isolation.holds(40 as Seq)).toBe(false);
  });

  it("does not blame the broker while it accepts others in between", () => {
    const isolation = createIsolation();
    for (const seq of seqs(1, MOST_IN_A_ROW * 3)) {
      isolation.accuse([[seq]]);
      isolation.convict("refused");
      isolation.accepted();
    }
    expect(isolation.quarantined).toHaveLength(MOST_IN_A_ROW * 3);
  });

  it("frees what was too large for one broker and fits another", () => {
    const isolation = createIsolation();
    isolation.setAside(3 as Seq, { tag: "too-large", bytes: 900, limit: 500 });
    isolation.setAside(4 as Seq, { tag: "refused", reason: "no" });
    expect(isolation.freeUpTo(800)).toBeNull();
    expect(isolation.freeUpTo(1000)).toBe(3);
    expect(isolation.quarantined.map(({ seq }) => seq)).toEqual([4]);
    isolation.settle((seq) => seq === 4);
    expect(isolation.quarantined).toEqual([]);
  });
});
