import { crc32 } from "node:zlib";
import { messageOf } from "../../protocol/errors.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { DraftReading, Reading } from "../../protocol/reading.ts";
import type { Seal } from "./seal.ts";

/** How the payload of a row is written. A later format gets the next number; rows of older formats stay readable. */
const PLAIN_JSON = 1;
/** JSON, sealed (seal.ts) with `boundOf` the row. */
export const SEALED_JSON = 2;

/** A row as it is on the disk. */
export interface StoredRow {
  readonly seq: Seq;
  readonly format: number;
  readonly digest: Uint8Array;
  readonly crc: number | null;
  readonly payload: Uint8Array;
}

/**
 * Of number, digest and payload: SQLite's pages have no checksum, and a flipped bit in a digit would be another value.
 * It finds decay also without the key; forgery is found by the seal.
 */
export const crcOf = (seq: number, digest: Uint8Array, payload: Uint8Array): number =>
  crc32(payload, crc32(digest, crc32(String(seq))));

export type Decoded =
  | { readonly tag: "ok"; readonly reading: Reading }
  | { readonly tag: "malformed"; readonly reason: string };

/** UTF-8 JSON. The number is not part of it: the row has it. */
export const encodePayload = (draft: DraftReading): Uint8Array => Buffer.from(JSON.stringify(draft), "utf8");

/** What a payload is sealed together with: no row opens under the number or the digest of another. */
export const boundOf = (seq: number, digest: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`reading ${SEALED_JSON} ${seq} `), digest]);

export const decodeRow = ({ seq, format, digest, crc, payload }: StoredRow, seal: Seal): Decoded => {
  if (format !== PLAIN_JSON && format !== SEALED_JSON) {
    return { tag: "malformed", reason: `format ${format} is not known to this release` };
  }
  if (crc !== crcOf(seq, digest, payload)) return { tag: "malformed", reason: "checksum is wrong" };
  const plain = format === SEALED_JSON ? seal.open(payload, boundOf(seq, digest)) : payload;
  if (plain === null) return { tag: "malformed", reason: "not sealed with this hub's key, or altered" };
  try {
    const draft = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plain)) as DraftReading;
    if (draft?.schema !== "reading/1") return { tag: "malformed", reason: "not a reading/1" };
    return { tag: "ok", reading: { ...draft, seq } };
  } catch (thrown) {
    // The parser's message quotes the text it stopped at, which may be a value: only its kind goes on.
    return { tag: "malformed", reason: thrown instanceof SyntaxError ? "not JSON" : messageOf(thrown) };
  }
};
