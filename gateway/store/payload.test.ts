import { expect, it } from "vitest";
import type { Seq } from "../../protocol/ids.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { digestOf } from "./digest-index.ts";
import { crcOf, decodeRow, encodePayload, PLAIN_JSON, type StoredRow } from "./payload.ts";

const row = (): StoredRow => {
  const draft = sampleReading(1);
  const digest = digestOf(draft.idem);
  const payload = encodePayload(draft);
  return { seq: 7 as Seq, format: PLAIN_JSON, digest, crc: crcOf(7, digest, payload), payload };
};

it("gives back what was written, with its number", () => {
  expect(decodeRow(row())).toEqual({ tag: "ok", reading: { ...sampleReading(1), seq: 7 } });
});

it("notices any flipped bit of the payload, and another row's payload", () => {
  const { payload } = row();
  for (let bit = 0; bit < payload.length * 8; bit += 1) {
    const flipped = Uint8Array.from(payload);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeRow({ ...row(), payload: flipped }).tag).toBe("malformed");
  }
  expect(decodeRow({ ...row(), seq: 8 as Seq }).tag).toBe("malformed");
  expect(decodeRow({ ...row(), digest: new Uint8Array(16) }).tag).toBe("malformed");
  expect(decodeRow({ ...row(), crc: null }).tag).toBe("malformed");
});

it("says that a later format is not known, and never quotes what it found", () => {
  expect(decodeRow({ ...row(), format: 9 })).toEqual({
    tag: "malformed",
    reason: "format 9 is not known to this release",
  });
  const payload = Buffer.from("systolic 124");
  const broken = { ...row(), payload, crc: crcOf(7, row().digest, payload) };
  expect(decodeRow(broken)).toEqual({ tag: "malformed", reason: "not JSON" });
});
