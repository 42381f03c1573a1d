import { expect, it } from "vitest";
import type { Idem } from "../../protocol/ids.ts";
import { createSeal, SEAL_BYTES } from "./seal.ts";

const seal = createSeal(new Uint8Array(32).fill(1));
const other = createSeal(new Uint8Array(32).fill(2));
const plain = Buffer.from("systolic 124");
const bound = Buffer.from("row 7");

it("opens what it sealed, and nothing that differs in a bit of it or of what it is bound to", () => {
  const sealed = seal.seal(plain, bound);
  expect(sealed).toHaveLength(plain.length + SEAL_BYTES);
  expect(Buffer.from(seal.open(sealed, bound) ?? [])).toEqual(plain);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Uint8Array.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(seal.open(flipped, bound)).toBeNull();
  }
  for (let length = 0; length < sealed.length; length += 1) {
    expect(seal.open(sealed.subarray(0, length), bound)).toBeNull();
  }
  expect(seal.open(sealed, Buffer.from("row 8"))).toBeNull();
  expect(other.open(sealed, bound)).toBeNull();
});

it("seals the same text differently each time, beyond one draw of nonces", () => {
  const seen = new Set(Array.from({ length: 1000 }, () => Buffer.from(seal.seal(plain, bound)).toString("hex")));
  expect(seen.size).toBe(1000);
});

it("remembers an idem in 16 bytes that are the same after a restart, and tell nothing without the key", () => {
  const [a, b] = ["sha256:00", "sha256:01"].map((text) => seal.digestOf(text as Idem));
  expect(a).toHaveLength(16);
  expect(a).not.toEqual(b);
  expect(createSeal(new Uint8Array(32).fill(1)).digestOf("sha256:00" as Idem)).toEqual(a);
  expect(other.digestOf("sha256:00" as Idem)).not.toEqual(a);
});

it("tells its key from another by a number that is never 0", () => {
  expect(seal.check).not.toBe(other.check);
  expect(createSeal(new Uint8Array(32).fill(1)).check).toBe(seal.check);
  expect(Number.isSafeInteger(seal.check) && seal.check > 0).toBe(true);
});
