import { crc32 } from "node:zlib";
import { messageOf } from "../../protocol/errors.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { ReadingText } from "../../protocol/ports/outbox.ts";
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

export interface MalformedRow {
  readonly tag: "malformed";
  /** Never quotes what was found. */
  readonly reason: string;
}

/** The draft in a row as it was written, UTF-8 JSON. */
export type Opened = { readonly tag: "ok"; readonly plain: Uint8Array } | MalformedRow;

export type Decoded = { readonly tag: "ok"; readonly value: Reading } | MalformedRow;

export type Text = { readonly tag: "ok"; readonly value: ReadingText } | MalformedRow;

/** UTF-8 JSON. The number is not part of it: the row has it. */
export const encodePayload = (draft: DraftReading): Uint8Array => Buffer.from(JSON.stringify(draft), "utf8");

/** What a payload is sealed together with: no row opens under the number or the digest of another. */
export const boundOf = (seq: number, digest: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`reading ${SEALED_JSON} ${seq} `), digest]);

export const openRow = ({ seq, format, digest, crc, payload }: StoredRow, seal: Seal): Opened => {
  if (format !== PLAIN_JSON && format !== SEALED_JSON) {
    return { tag: "malformed", reason: `format ${format} is not known to this release` };
  }
  if (crc !== crcOf(seq, digest, payload)) return { tag: "malformed", reason: "checksum is wrong" };
  const plain = format === SEALED_JSON ? seal.open(payload, boundOf(seq, digest)) : payload;
  if (plain === null) return { tag: "malformed", reason: "not sealed with this hub's key, or altered" };
  return { tag: "ok", plain };
};

export const decodeRow = (row: StoredRow, seal: Seal): Decoded => {
  const opened = openRow(row, seal);
  if (opened.tag === "malformed") return opened;
  try {
    const draft = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(opened.plain)) as DraftReading;
    if (draft?.schema !== "reading/1") return { tag: "malformed", reason: "not a reading/1" };
    return { tag: "ok", value: { ...draft, seq: row.seq } };
  } catch (thrown) {
    // The parser's message quotes the text it stopped at, which may be a value: only its kind goes on.
    return { tag: "malformed", reason: thrown instanceof SyntaxError ? "not JSON" : messageOf(thrown) };
  }
};

const OPENING = "{".charCodeAt(0);
const CLOSING = "}".charCodeAt(0);

/** JSON of the reading: the draft's, with the number as its last member. */
export const withNumber = (plain: Uint8Array, seq: Seq): Uint8Array => {
  const open = plain.subarray(0, -1);
  const number = Buffer.from(`,"seq":${seq}}`, "latin1");
  return Buffer.concat([open, number], open.length + number.length);
};

/**
 * A row as the text that is sent. What the seal has proven to be written by this hub is not parsed again; a row of
 * version 1, which nothing proves, is.
 */
export const textOfRow = (row: StoredRow, seal: Seal): Text => {
  const { seq } = row;
  if (row.format !== SEALED_JSON) {
    const decoded = decodeRow(row, seal);
    return decoded.tag === "ok"
      ? { tag: "ok", value: { seq, json: Buffer.from(JSON.stringify(decoded.value)) } }
      : decoded;
  }
  const opened = openRow(row, seal);
  if (opened.tag === "malformed") return opened;
  const { plain } = opened;
  if (plain[0] !== OPENING || plain.at(-1) !== CLOSING) return { tag: "malformed", reason: "not JSON" };
  return { tag: "ok", value: { seq, json: withNumber(plain, seq) } };
};
