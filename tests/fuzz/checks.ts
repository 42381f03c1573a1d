import { decodeView, type JsonValue } from "../../drivers/decode/kinds.ts";
import type { Framed } from "../../drivers/driver.ts";
import type { Chance } from "../../hardware-sim/radio/seeded.ts";
import { toHex } from "../../protocol/bytes.ts";
import type { FramerSubject } from "./framer-subjects.ts";
import { cutAtRandom, hostile, joined } from "./mutate.ts";

/** What one input showed: null for nothing wrong, else a sentence. */
export type Verdict = string | null;

/** The words of MalformedReason (drivers/driver.ts), which `hemhub decode` answers with. */
const REASONS: ReadonlySet<unknown> = new Set([
  "truncated",
  "checksum",
  "crc",
  "format",
  "range",
  "sync",
  "overlong",
  "unsupported",
]);

const unsound = (value: JsonValue | undefined): Verdict => {
  if (value === undefined) return "undefined in the answer";
  if (typeof value === "number") return Number.isFinite(value) ? null : `a number that is none (${value})`;
  if (value === null || typeof value !== "object") return null;
  for (const one of Object.values(value)) {
    const found = unsound(one);
    if (found !== null) return found;
  }
  return null;
};

/** A decoder's answer to any bytes is plain JSON of finite numbers, and the bytes are left as they were. */
export const checkDecoder = (kind: string, bytes: Uint8Array): Verdict => {
  const before = toHex(bytes);
  const shown = decodeView(kind, bytes);
  if (toHex(bytes) !== before) return "the input was changed";
  if (shown === null) return "a listed kind is unknown";
  const found = unsound(shown);
  if (found !== null) return found;
  if (shown.outcome === "error" && !REASONS.has(shown.reason)) return `an unknown reason (${String(shown.reason)})`;
  return shown.outcome === "error" && shown.detail === "" ? "an error without a detail" : null;
};

const framesOf = (framed: readonly Framed[]): readonly string[] =>
  framed.filter((piece) => piece.tag === "frame").map((piece) => toHex(piece.bytes));

/** Every byte comes out once and in order, little is held at any time, and it does not matter how the bytes arrive. */
export const checkFraming = ({ create, holds }: FramerSubject, pieces: readonly Uint8Array[]): Verdict => {
  const framer = create();
  const framed: Framed[] = [];
  let into = 0;
  let out = 0;
  for (const piece of pieces) {
    into += piece.length;
    for (const one of framer.push(piece)) {
      if (one.bytes.length === 0) return "an empty piece";
      out += one.bytes.length;
      framed.push(one);
    }
    if (into - out > holds) return `${into - out} bytes held, at most ${holds} are allowed`;
  }
  const all = joined(pieces);
  if (!toHex(all).startsWith(framed.map((one) => toHex(one.bytes)).join("")))
    return "bytes lost, repeated or out of order";
  const whole = framesOf([...create().push(all)]);
  return whole.join() === framesOf(framed).join() ? null : "other frames than when the bytes come in one piece";
};

/** Frames that follow the noise and are missed, up to the last one that is. */
export const missedAfter = (
  { create }: Pick<FramerSubject, "create">,
  noise: Uint8Array,
  frames: readonly Uint8Array[],
): number => {
  const found = framesOf([...create().push(joined([noise, ...frames]))]);
  let hits = 0;
  for (let at = 1; at <= frames.length; at++) {
    const frame = frames[frames.length - at];
    if (frame === undefined || found[found.length - at] !== toHex(frame)) break;
    hits += 1;
  }
  return frames.length - hits;
};

/** After any noise the framer is back within one frame: of two valid frames that follow, it finds the second. */
export const checkResync = (
  subject: Pick<FramerSubject, "create" | "frames">,
  noise: Uint8Array,
  chance: Chance,
): Verdict => {
  const { create, frames } = subject;
  const [first, second] = [0, 1].map(() => frames[chance.whole(0, frames.length - 1)]);
  if (first === undefined || second === undefined) return "no frame to look for";
  const pieces = cutAtRandom(joined([noise, first, second]), chance);
  const framer = create();
  const last = pieces.flatMap((piece) => [...framer.push(piece)]).at(-1);
  const isFound = last?.tag === "frame" && toHex(last.bytes) === toHex(second);
  return isFound ? null : `the second frame after the noise, ${toHex(second)}, is not found`;
};

export const framerInput = (subject: FramerSubject, pool: readonly Uint8Array[], chance: Chance): Uint8Array =>
  hostile([...subject.frames, ...subject.samples], pool, chance);
