import type { Seq } from "../../protocol/ids.ts";
import type { ReadingText } from "../../protocol/ports/outbox.ts";
import { withNumber } from "./payload.ts";

/**
 * Texts of the newest committed rows, in memory: a reading is sent as a rule right after it was stored, and need not be
 * read, checked and unsealed for it. Only what is durable is here.
 */
export interface RecentTexts {
  /** The row `seq` was committed, with this draft in it. Numbers rise. */
  add(seq: number, plain: Uint8Array): void;
  get(seq: number): ReadingText | null;
}

/** 180 readings of 1.4 kB: more than come in while one message is under way. */
export const MOST_RECENT_BYTES = 256 * 1024;

export const createRecentTexts = (mostBytes = MOST_RECENT_BYTES): RecentTexts => {
  /** In the order of their numbers. */
  const drafts = new Map<number, Uint8Array>();
  let bytes = 0;

  const dropOldest = (): void => {
    for (const [seq, plain] of drafts) {
      if (bytes <= mostBytes) return;
      drafts.delete(seq);
      bytes -= plain.length;
    }
  };

  return {
    add: (seq, plain) => {
      drafts.set(seq, plain);
      bytes += plain.length;
      dropOldest();
    },
    get: (seq) => {
      const plain = drafts.get(seq);
      return plain === undefined ? null : { seq: seq as Seq, json: withNumber(plain, seq as Seq) };
    },
  };
};
