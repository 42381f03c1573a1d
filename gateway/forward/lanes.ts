import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Outbox, ReadingText } from "../../protocol/ports/outbox.ts";
import { type BatchLimits, type CutBatch, cutBatch } from "./batch.ts";
import { type GateView, viewTexts } from "./gate-view.ts";
import { isCovered } from "./sent-ledger.ts";

/**
 * Readings of one look at the outbox, a little more than fit into the largest batch; a live reading may have to wait
 * for one such look. Twice as many are held at most: with some 1.5 kB each, 400 kB.
 */
const READ_AHEAD = 128;
/** Where more than this is new, the newest of it come first and the rest is backlog. */
const LIVE_READ = 64;

/**
 * Two ways through the outbox. `live` goes upwards from what was newest when the link came up, or starts at the top
 * where much is new; `backlog` goes upwards from the oldest. Each skips what is under way already.
 */
export interface Lanes {
  /** Something may be newer than all that was sent. */
  readonly hasLive: boolean;
  /** Something below that may be waiting. */
  readonly hasBacklog: boolean;
  /** Read what the next message of the backlog will be made of. True where that took time: a live one may have come. */
  prepareBacklog(): Promise<boolean>;
  /** The next message of a lane; without numbers in it where there was nothing to send after all. */
  live(limits: BatchLimits): Promise<CutBatch>;
  backlog(limits: BatchLimits): Promise<CutBatch>;
  /** These waiting readings, and no others. */
  only(seqs: readonly Seq[], limits: BatchLimits): Promise<CutBatch>;
  /** What waits from `seq` on may have to be sent again. */
  rewind(seq: Seq): void;
  /** Do not send what was read ahead and is settled meanwhile. */
  drop(receipt: Receipt): void;
}

const nothing: CutBatch = { seqs: [], payload: new Uint8Array(), taken: 0, oversize: null };

/** `gate` makes of stored readings what is to be sent, each time a message is cut, before `isTaken` is asked. */
export const createLanes = (outbox: Outbox, isTaken: (seq: Seq) => boolean, gate: GateView): Lanes => {
  /** All that waits at or below is sent or settled. 0: nothing was. */
  let backlogAt: Seq | 0 = 0;
  /** What waits above `backlogAt` and up to here is in `ahead`. */
  let readTo: Seq | 0 = 0;
  let ahead: readonly ReadingText[] = [];
  /** All that waits above is new. */
  let liveAt: Seq | 0 = 0;
  /** Changes with each rewind, so that what was being read from the old place is not used. */
  let place = 0;

  const newest = (): Seq | 0 => outbox.depth().newest ?? 0;
  const isAbove = (seq: Seq | 0, other: Seq | 0): boolean => seq > other;

  const view = (readings: readonly ReadingText[]): readonly ReadingText[] => viewTexts(readings, gate);

  const keep = (readings: readonly ReadingText[]): void => {
    ahead = readings;
    if (ahead.length === 0) backlogAt = readTo;
  };

  const advanceLive = (seq: Seq | 0): void => {
    if (!isAbove(seq, liveAt)) return;
    if (backlogAt === liveAt) {
      // With nothing below the live lane, the backlog lane goes along and need not look for what is not there.
      backlogAt = seq;
      readTo = seq;
    }
    liveAt = seq;
  };

  const nextLive = async (limits: BatchLimits, top: Seq | 0): Promise<CutBatch> => {
    const from = liveAt;
    const readings = await outbox.nextTexts(from, LIVE_READ);
    const cut = cutBatch(outbox.series, view(readings), isTaken, limits);
    const last = readings[cut.taken - 1];
    if (last !== undefined) advanceLive(last.seq);
    else if (readings.length === 0) advanceLive(top);
    return cut;
  };

  const newestFirst = async (limits: BatchLimits, top: Seq | 0): Promise<CutBatch> => {
    const readings = await outbox.newestTexts(null, LIVE_READ);
    const cut = cutBatch(outbox.series, view(readings), isTaken, limits, "descending");
    // Not advanceLive: what lies between is passed over, and is the backlog's.
    liveAt = readings[0]?.seq ?? top;
    return cut;
  };

  const readAhead = async (): Promise<void> => {
    const from = place;
    const top = liveAt;
    const readings = await outbox.nextTexts(readTo, READ_AHEAD);
    if (from !== place) return;
    // What is above the live mark is the live lane's.
    const below = readings.filter(({ seq }) => seq <= top);
    const last = below.at(-1);
    readTo = last === undefined || below.length < READ_AHEAD ? top : last.seq;
    keep([...ahead, ...below]);
  };

  return {
    get hasLive() {
      return isAbove(newest(), liveAt);
    },
    get hasBacklog() {
      return isAbove(liveAt, backlogAt);
    },
    live: async (limits) => {
      const top = newest();
      return top - liveAt <= LIVE_READ ? await nextLive(limits, top) : await newestFirst(limits, top);
    },
    prepareBacklog: async () => {
      if (ahead.length >= READ_AHEAD || !isAbove(liveAt, readTo)) return false;
      await readAhead();
      return true;
    },
    backlog: async (limits) => {
      const cut = cutBatch(outbox.series, view(ahead), isTaken, limits);
      const last = ahead[cut.taken - 1];
      if (last === undefined) return nothing;
      backlogAt = last.seq;
      keep(ahead.slice(cut.taken));
      return cut;
    },
    only: async (seqs, limits) => {
      const wanted = new Set<Seq>(seqs);
      const found: ReadingText[] = [];
      const end = seqs.at(-1) ?? 0;
      for (let at: number = (seqs[0] ?? 1) - 1; at < end; ) {
        const readings = await outbox.nextTexts(at as Seq | 0, READ_AHEAD);
        found.push(...readings.filter(({ seq }) => wanted.has(seq)));
        at = readings.at(-1)?.seq ?? end;
      }
      return cutBatch(outbox.series, view(found), () => false, limits);
    },
    rewind: (seq) => {
      const isToCome = isAbove(seq, readTo) || ahead.some((one) => one.seq === seq);
      if (isToCome) return;
      place += 1;
      ahead = [];
      if (seq <= backlogAt) backlogAt = (seq - 1) as Seq | 0;
      readTo = backlogAt;
    },
    drop: (receipt) => {
      const [first] = ahead;
      if (first === undefined || first.seq > receipt.through) return;
      const refused = new Set<number>(receipt.refused.map(({ seq }) => seq));
      keep(ahead.filter(({ seq }) => !isCovered(receipt, refused, seq)));
    },
  };
};
