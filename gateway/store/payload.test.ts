import { expect, it } from "vitest";
import type { Seq } from "../../protocol/ids.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { boundOf, crcOf, decodeRow, encodePayload, SEALED_JSON, type StoredRow, textOfRow } from "./payload.ts";
import { createSeal } from "./seal.ts";

const seal = createSeal(new Uint8Array(32).fill(1));
const PLAIN_JSON = 1;

const digest = seal.digestOf(sampleReading(1).idem);

const rowOf = (format: number, payload: Uint8Array): StoredRow => ({
  seq: 7 as Seq,
  format,
  digest,
  crc: crcOf(7, digest, payload),
  payload,
});

const row = (): StoredRow => rowOf(SEALED_JSON, seal.seal(encodePayload(sampleReading(1)), boundOf(7, digest)));

it("gives back what was written, with its number", () => {
  expect(decodeRow(row(), seal)).toEqual({ tag: "ok", value: { ...sampleReading(1), seq: 7 } });
});

it("notices any flipped bit of the payload, and another row's payload", () => {
  const { payload } = row();
  for (let bit = 0; bit < payload.length * 8; bit += 1) {
    const flipped = Uint8Array.from(payload);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeRow({ ...row(), payload: flipped }, seal).tag).toBe("malformed");
  }
  expect(decodeRow({ ...row(), seq: 8 as Seq }, seal).tag).toBe("malformed");
  expect(decodeRow({ ...row(), digest: new Uint8Array(16) }, seal).tag).toBe("malformed");
  expect(decodeRow({ ...row(), crc: null }, seal).tag).toBe("malformed");
});

it("says that a later format is not known, and never quotes what it found", () => {
  expect(decodeRow({ ...row(), format: 9 }, seal)).toEqual({
    tag: "malformed",
    reason: "format 9 is not known to this release",
  });
  const broken = rowOf(SEALED_JSON, seal.seal(Buffer.from("systolic 124"), boundOf(7, digest)));
  expect(decodeRow(broken, seal)).toEqual({ tag: "malformed", reason: "not JSON" });
});

it("opens a row only under its own number and digest, and only with its own key, whatever its checksum says", () => {
  const { payload } = row();
  const altered = "not sealed with this hub's key, or altered";
  const moved = { ...rowOf(SEALED_JSON, payload), seq: 8 as Seq, crc: crcOf(8, digest, payload) };
  expect(decodeRow(moved, seal)).toEqual({ tag: "malformed", reason: altered });
  const other = createSeal(new Uint8Array(32).fill(2));
  expect(decodeRow(row(), other)).toEqual({ tag: "malformed", reason: altered });
  expect(decodeRow(rowOf(SEALED_JSON, payload.subarray(0, 27)), seal)).toEqual({ tag: "malformed", reason: altered });
  const forged = Uint8Array.from(payload);
  forged[40] = (forged[40] ?? 0) ^ 1;
  expect(decodeRow(rowOf(SEALED_JSON, forged), seal)).toEqual({ tag: "malformed", reason: altered });
});

it("gives a row as the text of its reading, and never an altered one", () => {
  const text = Buffer.from(JSON.stringify({ ...sampleReading(1), seq: 7 }));
  expect(textOfRow(row(), seal)).toEqual({ tag: "ok", value: { seq: 7, json: text } });
  const plain = rowOf(PLAIN_JSON, encodePayload(sampleReading(1)));
  expect(textOfRow(plain, seal)).toEqual({ tag: "ok", value: { seq: 7, json: text } });
  const { payload } = row();
  for (let bit = 0; bit < payload.length * 8; bit += 97) {
    const flipped = Uint8Array.from(payload);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(textOfRow({ ...row(), payload: flipped }, seal).tag).toBe("malformed");
    // The seal notices it even where somebody has made the checksum right again.
    expect(textOfRow({ ...row(), payload: flipped, crc: crcOf(7, digest, flipped) }, seal).tag).toBe("malformed");
  }
  const broken = rowOf(SEALED_JSON, seal.seal(Buffer.from("systolic 124"), boundOf(7, digest)));
  expect(textOfRow(broken, seal)).toEqual({ tag: "malformed", reason: "not JSON" });
});

it("still reads the rows of version 1", () => {
  const plain = rowOf(PLAIN_JSON, encodePayload(sampleReading(1)));
  expect(decodeRow(plain, seal)).toEqual({ tag: "ok", value: { ...sampleReading(1), seq: 7 } });
});
