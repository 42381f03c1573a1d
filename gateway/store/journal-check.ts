import { PAGE_SIZE } from "./page-size.ts";

/**
 * What a write-ahead log holds beyond the point where SQLite would stop reading it. SQLite takes a frame with a wrong
 * checksum for the torn end of the log and forgets everything after it without a word: right after a power cut, wrong
 * after a flipped bit. The difference can be told: a commit is followed by another one only after its fsync returned,
 * so two commits beyond the break mean that acknowledged frames lie there.
 */
export type JournalCheck =
  | { readonly tag: "whole" }
  /** `mended` is the log with its checksums made right again, damaged content and all, for the checks that follow. */
  | { readonly tag: "damaged"; readonly frames: number; readonly mended: Uint8Array };

// sqlite.org/fileformat2.html 4.1 and 4.2
const HEADER = 32;
const FRAME_HEADER = 24;
const FRAME = FRAME_HEADER + PAGE_SIZE;
/** Checksums over little-endian words, as every hub's processor writes them. */
const MAGIC = 0x377f0682;
const VERSION = 3_007_000;

interface Sum {
  readonly a: number;
  readonly b: number;
}

const sumOf = (view: DataView, from: number, length: number, seed: Sum): Sum => {
  let { a, b } = seed;
  for (let at = from; at < from + length; at += 8) {
    a = (a + view.getInt32(at, true) + b) | 0;
    b = (b + view.getInt32(at + 4, true) + a) | 0;
  }
  return { a, b };
};

const sumAt = (view: DataView, at: number): Sum => ({ a: view.getInt32(at), b: view.getInt32(at + 4) });

const putSum = (view: DataView, at: number, { a, b }: Sum): void => {
  view.setInt32(at, a);
  view.setInt32(at + 4, b);
};

const same = (one: Sum, other: Sum): boolean => one.a === other.a && one.b === other.b;

const frameAt = (index: number): number => HEADER + index * FRAME;

const frameSum = (view: DataView, frame: number, seed: Sum): Sum =>
  sumOf(view, frame + FRAME_HEADER, PAGE_SIZE, sumOf(view, frame, 8, seed));

/** Where the checksum stands that the next frame's is built upon. */
const seedBefore = (view: DataView, index: number): Sum =>
  index === 0 ? sumAt(view, 24) : sumAt(view, frameAt(index - 1) + 16);

const headerIsWhole = (view: DataView): boolean =>
  view.getUint32(0) === MAGIC &&
  view.getUint32(8) === PAGE_SIZE &&
  same(sumOf(view, 0, 24, { a: 0, b: 0 }), sumAt(view, 24));

/** The two salts that all frames of this generation carry; of a damaged header, those that two early frames share. */
const saltsOf = (view: DataView, frames: number): Sum | null => {
  if (headerIsWhole(view)) return sumAt(view, 16);
  const early = [0, 1, 2].filter((index) => index < frames).map((index) => sumAt(view, frameAt(index) + 8));
  return early.find((salts, i) => early.some((other, j) => i !== j && same(salts, other))) ?? null;
};

export const checkJournal = (log: Uint8Array): JournalCheck => {
  const frames = Math.floor((log.byteLength - HEADER) / FRAME);
  if (frames < 1) return { tag: "whole" };
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const salts = saltsOf(view, frames);
  if (salts === null) return { tag: "whole" };

  const linked: boolean[] = [];
  for (let index = 0; index < frames; index += 1) {
    const frame = frameAt(index);
    const ours = same(sumAt(view, frame + 8), salts);
    linked.push(ours && same(frameSum(view, frame, seedBefore(view, index)), sumAt(view, frame + 16)));
  }
  const firstBroken = headerIsWhole(view) ? linked.indexOf(false) : 0;
  if (firstBroken === -1) return { tag: "whole" };
  const isCommit = (index: number): boolean => linked[index] === true && view.getUint32(frameAt(index) + 4) !== 0;
  const commits = linked.map((_, index) => index).filter((index) => index >= firstBroken && isCommit(index));
  const last = commits.at(-1);
  if (last === undefined || commits.length < 2) return { tag: "whole" };
  const broken = linked.slice(0, last + 1).filter((isLinked) => !isLinked).length;
  return { tag: "damaged", frames: Math.max(1, broken), mended: mend(log, salts, linked, last) };
};

const mend = (log: Uint8Array, salts: Sum, linked: readonly boolean[], last: number): Uint8Array => {
  const mended = log.slice(0, frameAt(last + 1));
  const view = new DataView(mended.buffer);
  const pages = view.getUint32(frameAt(last) + 4);
  view.setUint32(0, MAGIC);
  view.setUint32(4, VERSION);
  view.setUint32(8, PAGE_SIZE);
  putSum(view, 16, salts);
  let sum = sumOf(view, 0, 24, { a: 0, b: 0 });
  putSum(view, 24, sum);
  for (let index = 0; index <= last; index += 1) {
    const frame = frameAt(index);
    const page = view.getUint32(frame);
    if (linked[index] !== true && (page < 1 || page > pages)) {
      // It cannot be told where this page belongs: a neighbour once more changes nothing.
      const neighbour = frameAt(index === 0 ? 1 : index - 1);
      mended.copyWithin(frame, neighbour, neighbour + FRAME);
      view.setUint32(frame + 4, 0);
    }
    putSum(view, frame + 8, salts);
    sum = frameSum(view, frame, sum);
    putSum(view, frame + 16, sum);
  }
  return mended;
};
