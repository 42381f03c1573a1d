import { expect, it } from "vitest";
import { createRecentTexts } from "./recent-texts.ts";

const draft = (n: number, bytes = 20): Uint8Array => Buffer.from(`{"n":${n}}`.padEnd(bytes - 1).concat("}"));

it("has the newest drafts with their numbers", () => {
  const recent = createRecentTexts(1000);
  recent.add(7, Buffer.from('{"kind":"body-weight"}'));
  expect(recent.get(7)).toEqual({ seq: 7, json: Buffer.from('{"kind":"body-weight","seq":7}') });
  expect(recent.get(6)).toBeNull();
});

it("forgets the oldest beyond its bound in octets, and everything that alone is larger", () => {
  const recent = createRecentTexts(100);
  for (let seq = 1; seq <= 9; seq += 1) recent.add(seq, draft(seq));
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9].filter((seq) => recent.get(seq) !== null)).toEqual([5, 6, 7, 8, 9]);
  recent.add(10, draft(10, 101));
  expect(recent.get(9)).toBeNull();
  expect(recent.get(10)).toBeNull();
  recent.add(11, draft(11));
  expect(recent.get(11)).not.toBeNull();
});
