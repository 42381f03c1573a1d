import fc from "fast-check";
import { expect, it } from "vitest";
import { createDigestIndex, DIGEST_BYTES } from "./digest-index.ts";

/** Digests that share their home slot in a small table, so that probing and shifting back are exercised. */
const crowded = (n: number): Uint8Array => {
  const digest = new Uint8Array(DIGEST_BYTES);
  digest[0] = n % 3;
  digest[8] = n;
  return digest;
};

it("knows exactly the last numbers, up to its capacity", () => {
  const capacity = 7;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 120 }), (values) => {
      const index = createDigestIndex(capacity);
      const model = new Map<number, number>();
      let seq = 0;
      for (const value of values) {
        expect(index.find(crowded(value))).toBe(model.get(value) ?? null);
        if (model.has(value)) continue;
        seq += 1;
        index.add(seq, crowded(value), seq % 5);
        model.set(value, seq);
        for (const [key, at] of model) if (at <= seq - capacity) model.delete(key);
      }
      for (let value = 0; value <= 40; value += 1) expect(index.find(crowded(value))).toBe(model.get(value) ?? null);
    }),
  );
});

it("takes the place of an older entry when numbers were skipped", () => {
  const index = createDigestIndex(4);
  for (const n of [1, 2, 3, 4]) index.add(n, crowded(n), n);
  index.add(10_002, crowded(9), 7);
  expect([1, 2, 3, 4, 9].map((n) => index.find(crowded(n)))).toEqual([1, null, 3, 4, 10_002]);
  expect([2, 3, 10_002].map((seq) => index.lotAt(seq))).toEqual([null, 3, 7]);
  expect([2, 3, 10_002].map((seq) => index.at(seq))).toEqual([null, crowded(3), crowded(9)]);
});
