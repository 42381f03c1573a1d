import fc from "fast-check";
import { expect, it } from "vitest";
import { createSeqRanges } from "./seq-ranges.ts";

const step = fc.record({
  add: fc.boolean(),
  from: fc.integer({ min: 1, max: 60 }),
  length: fc.integer({ min: 0, max: 12 }),
});

it("behaves like a set of numbers, however runs are added and removed", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ranges = createSeqRanges();
      const model = new Set<number>();
      for (const { add, from, length } of steps) {
        const numbers = Array.from({ length: length + 1 }, (_, i) => from + i);
        if (add) {
          ranges.add(from, from + length);
          for (const n of numbers) model.add(n);
        } else {
          const removed = numbers.filter((n) => model.delete(n)).length;
          expect(ranges.remove(from, from + length)).toBe(removed);
        }
        const sorted = [...model].toSorted((a, b) => a - b);
        const listed = ranges.within(1, 100).flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i));
        expect(listed).toEqual(sorted);
        expect([ranges.size, ranges.first, ranges.last]).toEqual([
          sorted.length,
          sorted[0] ?? null,
          sorted.at(-1) ?? null,
        ]);
        expect(ranges.has(from)).toBe(model.has(from));
      }
    }),
  );
});

it("keeps 100 000 consecutive numbers as one run", () => {
  const ranges = createSeqRanges();
  for (let n = 1; n <= 100_000; n += 1) ranges.add(n, n);
  expect(ranges.within(1, 200_000)).toEqual([[1, 100_000]]);
});

it("joins runs that touch and cuts runs to what is asked for", () => {
  const ranges = createSeqRanges([
    [1, 3],
    [5, 9],
  ]);
  ranges.add(4, 4);
  expect(ranges.within(2, 6)).toEqual([[2, 6]]);
  ranges.remove(4, 4);
  expect(ranges.within(0, 100)).toEqual([
    [1, 3],
    [5, 9],
  ]);
});
