import type { Seq } from "../../protocol/ids.ts";
import type { ReadingText } from "../../protocol/ports/outbox.ts";

/** How large a batch may get: `aim` where there is more than one reading in it, `most` in any case. */
export interface BatchLimits {
  readonly aim: number;
  readonly most: number;
}

export interface CutBatch {
  /** What is in the payload, ascending; empty where nothing of the readings was to be sent. */
  readonly seqs: readonly Seq[];
  /** The message `{"series":"...","batch":[...]}`, UTF-8 JSON. */
  readonly payload: Uint8Array;
  /** How many of the readings were looked at and are done with; the others did not fit. */
  readonly taken: number;
  /** A reading that alone is larger than the most; it counts as taken. */
  readonly oversize: { readonly seq: Seq; readonly bytes: number } | null;
}

const headOf = (series: string): Uint8Array => Buffer.from(`{"series":${JSON.stringify(series)},"batch":[`);
const TAIL = Buffer.from("]}");
const COMMA = Buffer.from(",");

const NOTHING = new Uint8Array();

/** Bytes of a message around the payload: fixed header 5, packet id 2, properties 22 (mqtt-limits.ts), topic below. */
const PACKET_BYTES = 5 + 2 + 22 + 2;

/** Largest payload on `topic` in a packet of `maximumPacketSize`, rounded down by at most a few bytes. */
export const largestPayload = (maximumPacketSize: number, topic: string): number =>
  maximumPacketSize - PACKET_BYTES - Buffer.byteLength(topic);

/**
 * Make one message of the first of `readings` that are not to be skipped; one is always in it, unless it is oversize.
 * `descending` readings are sent ascending all the same.
 */
export const cutBatch = (
  series: string,
  readings: readonly ReadingText[],
  skip: (seq: Seq) => boolean,
  limits: BatchLimits,
  order: "ascending" | "descending" = "ascending",
): CutBatch => {
  const texts: Uint8Array[] = [];
  const seqs: Seq[] = [];
  const head = headOf(series);
  const frameBytes = head.length + TAIL.length;
  let bytes = frameBytes;
  let taken = 0;
  let oversize: CutBatch["oversize"] = null;
  for (const { seq, json } of readings) {
    if (!skip(seq)) {
      const size = json.length;
      const separator = texts.length === 0 ? 0 : 1;
      if (frameBytes + size > limits.most) {
        if (texts.length > 0) break;
        taken += 1;
        oversize = { seq, bytes: frameBytes + size };
        break;
      }
      if (texts.length > 0 && bytes + separator + size > Math.min(limits.aim, limits.most)) break;
      texts.push(json);
      seqs.push(seq);
      bytes += separator + size;
    }
    taken += 1;
  }
  if (order === "descending") {
    texts.reverse();
    seqs.reverse();
  }
  const parts = texts.flatMap((text, at) => [at === 0 ? head : COMMA, text]);
  return { seqs, payload: texts.length === 0 ? NOTHING : Buffer.concat([...parts, TAIL], bytes), taken, oversize };
};
