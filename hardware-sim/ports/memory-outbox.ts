import { randomBytes } from "node:crypto";
import { HubError, type HubErrorCode } from "../../protocol/errors.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Appended, Outbox, ReadingText, UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { DraftReading, Reading } from "../../protocol/reading.ts";

interface Row {
  readonly draft: DraftReading;
  readonly state: "waiting" | "refused";
  readonly reason: string | null;
}

/** What survives a restart: hand the same disk to the next outbox. */
export interface MemoryOutboxDisk {
  readonly rows: Map<number, Row>;
  /** Never emptied: a reading that was settled is still a duplicate when it comes again. */
  readonly numbers: Map<string, Seq>;
  readonly unreadable: UnreadableCapture[];
  readonly series: string;
  newest: number;
  counter: number;
  /** While set, nothing is stored and calls reject with this code; a full disk can still be read and settled. */
  fault: HubErrorCode | null;
}

export const createMemoryOutboxDisk = (): MemoryOutboxDisk => ({
  rows: new Map(),
  numbers: new Map(),
  unreadable: [],
  series: randomBytes(6).toString("hex"),
  newest: 0,
  counter: 0,
  fault: null,
});

const MAX_UNREADABLE = 1000;

const highest = ({ through, refused, missing }: Receipt): number =>
  Math.max(through, ...refused.map((one) => one.seq), ...missing.map(([, to]) => to));

/**
 * An outbox without a disk, for simulations and as the model that the real one is compared with. Same contract, except
 * that nothing outlives the process.
 */
export const createMemoryOutbox = (disk: MemoryOutboxDisk = createMemoryOutboxDisk()): Outbox => {
  let closed = false;

  const require = (doing: string, writes: boolean): void => {
    if (closed) throw new HubError("outbox-closed", `outbox ${doing}: the outbox is closed; open it again`);
    if (disk.fault === null || (!writes && disk.fault === "outbox-disk-full")) return;
    throw new HubError(disk.fault, `outbox ${doing}: simulated fault ${disk.fault}`);
  };

  const waiting = (): number[] =>
    [...disk.rows]
      .filter(([, row]) => row.state === "waiting")
      .map(([seq]) => seq)
      .toSorted((a, b) => a - b);

  const reading = (seq: number): readonly Reading[] => {
    const row = disk.rows.get(seq);
    return row === undefined ? [] : [{ ...row.draft, seq: seq as Seq }];
  };

  const textOf = (one: Reading): ReadingText => ({ seq: one.seq, json: Buffer.from(JSON.stringify(one)) });

  const appendOne = (draft: DraftReading): Appended => {
    const known = disk.numbers.get(draft.idem);
    if (known !== undefined) return { tag: "duplicate", seq: known };
    disk.newest += 1;
    const seq = disk.newest as Seq;
    disk.rows.set(seq, { draft: structuredClone(draft), state: "waiting", reason: null });
    disk.numbers.set(draft.idem, seq);
    return { tag: "stored", seq };
  };

  const outbox: Outbox = {
    series: disk.series,
    append: async (readings) => {
      require("append", true);
      return readings.map(appendOne);
    },
    next: async (after, limit) => {
      require("next", false);
      return waiting()
        .filter((seq) => seq > after)
        .slice(0, limit)
        .flatMap(reading);
    },
    newest: async (before, limit) => {
      require("newest", false);
      return waiting()
        .filter((seq) => before === null || seq < before)
        .toReversed()
        .slice(0, limit)
        .flatMap(reading);
    },
    nextTexts: async (after, limit) => (await outbox.next(after, limit)).map(textOf),
    newestTexts: async (before, limit) => (await outbox.newest(before, limit)).map(textOf),
    settle: async (receipt) => {
      require("settle", false);
      const isOurs = receipt.series === null || receipt.series === disk.series;
      if (!isOurs || highest(receipt) > disk.newest) return { settled: 0, refused: 0, resend: [], unknown: true };
      const reasons = new Map(receipt.refused.map(({ seq, reason }) => [seq as number, reason]));
      const isMissing = (seq: number): boolean => receipt.missing.some(([from, to]) => from <= seq && seq <= to);
      let settled = 0;
      let refused = 0;
      for (const [seq, row] of [...disk.rows]) {
        const reason = reasons.get(seq);
        if (reason !== undefined) {
          if (row.state === "refused") continue;
          disk.rows.set(seq, { ...row, state: "refused", reason });
          refused += 1;
        } else if (isMissing(seq)) disk.rows.set(seq, { ...row, state: "waiting", reason: null });
        else if (row.state === "waiting" && seq <= receipt.through) {
          disk.rows.delete(seq);
          settled += 1;
        }
      }
      const resend: Seq[] = [];
      for (let seq = 1; seq <= disk.newest; seq += 1) if (isMissing(seq) && !reasons.has(seq)) resend.push(seq as Seq);
      return { settled, refused, resend, unknown: false };
    },
    keepUnreadable: async (capture) => {
      require("capture", true);
      disk.unreadable.push(capture);
      disk.unreadable.splice(0, disk.unreadable.length - MAX_UNREADABLE);
    },
    depth: () => {
      const seqs = waiting();
      return {
        waiting: seqs.length,
        refused: disk.rows.size - seqs.length,
        oldest: (seqs[0] ?? null) as Seq | null,
        newest: disk.newest === 0 ? null : (disk.newest as Seq),
      };
    },
    nextCounter: async () => {
      require("counter", true);
      disk.counter += 1;
      return disk.counter;
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
    },
  };
  return outbox;
};
