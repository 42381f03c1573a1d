import { expect, it } from "vitest";
import { type Entry, insertStatements, planAppends } from "./append-plan.ts";
import { boundOf } from "./payload.ts";
import { lotOf } from "./schema.ts";
import { createSeal } from "./seal.ts";

const entry = (n: number): Entry => ({
  digest: Uint8Array.of(n, n >> 8),
  payload: Uint8Array.of(n),
  lot: { sensor: null, day: null },
});

const seal = createSeal(new Uint8Array(32));

const none = { find: () => null };

it("numbers new readings in order and gives repeated ones the number of the first", () => {
  const plan = planAppends(
    [
      [entry(1), entry(2), entry(1)],
      [entry(2), entry(3)],
    ],
    10,
    none,
  );
  expect(plan.first).toBe(11);
  expect(plan.rows).toEqual([entry(1), entry(2), entry(3)]);
  expect(plan.results.map((call) => call.map(({ tag, seq }) => `${tag} ${seq}`))).toEqual([
    ["stored 11", "stored 12", "duplicate 11"],
    ["duplicate 12", "stored 13"],
  ]);
});

it("inserts every row of any group once, in few statements", () => {
  for (const count of [0, 1, 2, 3, 37, 63, 64, 65, 255, 256, 1000]) {
    const rows = Array.from({ length: count }, (_, i) => entry(i));
    const statements = insertStatements(5, rows, seal, { numberOf: () => 9 });
    const inserted = statements.flatMap(({ parameters }) => {
      const [first, ...values] = parameters;
      const filled = values.findIndex((value, i) => i % 4 === 1 && value === null);
      const count = filled < 0 ? values.length / 4 : (filled - 1) / 4;
      return Array.from({ length: count }, (_, i) => {
        const [mark, digest, , sealed] = values.slice(4 * i) as [number, Uint8Array, number, Uint8Array];
        const seq = Number(first) + i;
        return [seq, lotOf(mark), Uint8Array.from(seal.open(sealed, boundOf(seq, digest)) ?? [])];
      });
    });
    expect(inserted).toEqual(rows.map(({ payload }, i) => [5 + i, 9, payload]));
    expect(statements.length).toBe(Math.ceil(count / 64));
  }
});
