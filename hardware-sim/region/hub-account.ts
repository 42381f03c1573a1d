import { createHash } from "node:crypto";
import { readingIdOf } from "../../protocol/idem.ts";
import type { HubId } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Reading } from "../../protocol/reading.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import { type DayAccount, dayAccountOf, type Mark, markOf } from "./day-account.ts";
import { account, contiguousOf, emptyLedger, type Ledger, missingCount, statementOf } from "./ledger.ts";

/** Gaps close by themselves within a few round trips when messages overtake each other; then the region asks. */
export const GAP_GRACE = millis(500);
/** Most ranges in one receipt: 256 x about 20 characters = 5 kB. */
const MAX_MISSING = 256;
/** Most refusals in one receipt: 1000 x about 100 characters = 100 kB. A hub that needs more needs a person. */
const MAX_REFUSED = 1000;
/** A simulated region keeps everything in memory: 1 million readings x about 1.5 kB is the end of it. */
export const MAX_STORED = 1_000_000;
/** A reason is for people, and travels in every receipt. */
const MAX_REASON_LENGTH = 200;

/** A reading that took effect at the region. */
export interface AcceptedReading {
  readonly hub: HubId;
  /** 1, and one more each time this hub began its numbers again. */
  readonly generation: number;
  readonly reading: Reading;
  readonly receivedAt: Millis;
  /** When the first receipt that covers it had been sent; null until then. */
  receiptedAt: Millis | null;
}

/** What took effect, in order, over all hubs. `byId` is what makes an effect happen once. */
export interface ReadingStore {
  readonly effects: AcceptedReading[];
  readonly byId: Map<string, AcceptedReading>;
}

export const createReadingStore = (): ReadingStore => ({ effects: [], byId: new Map() });

/** What became of one element of a batch. */
export type Taken =
  | { readonly tag: "accepted"; readonly seq: number; readonly accepted: AcceptedReading }
  | { readonly tag: "duplicate"; readonly seq: number }
  | { readonly tag: "refused"; readonly seq: number; readonly reason: string }
  /** No usable sequence number: no receipt can speak about it. */
  | { readonly tag: "unreadable"; readonly reason: string };

export interface TakenResult {
  readonly taken: Taken;
  /** The hub began its numbers again: a number came back with another reading (a fresh or restored database). */
  readonly restarted: boolean;
}

/** Beyond the schema: null to accept, else why the region does not want this reading. */
export type RefusalPolicy = (reading: Reading) => string | null;

export interface HubNumbers {
  readonly generation: number;
  readonly through: number;
  readonly high: number;
  readonly missing: number;
  readonly refused: number;
}

/**
 * The region's account of one hub.
 *
 * The rules, for each reading of a batch in order:
 * 1. Without a whole sequence number of 1 or more it is unreadable: counted, and never receipted.
 * 2. A batch that names another series of numbers (`open`), or a number that is known with another key (its id, or the
 *    hash of its text where it has none), says that the hub began its numbers again. That is flagged, and the account
 *    of numbers starts anew as the next generation; what took effect stays.
 * 3. A number that was refused stays refused, with the first reason: a hub may send it again until it has the receipt.
 * 4. A key that took effect before is a duplicate, whatever its number: nothing happens, the number is accounted for.
 * 5. Not a valid reading/1, of another hub than the topic names, with an id that is not that of its idem, unwanted by
 *    the policy, or the store is full: refused. Else it takes effect.
 *
 * A receipt then says (see `statementOf`): `through`, the highest contiguous number, or beyond it where gaps are
 * older than the grace, which are then `missing`; and every refusal of this generation up to `through`. Refusals are
 * repeated in each receipt because a lost one would else turn a refusal into an acceptance; past MAX_REFUSED of them
 * `through` stops below the first that does not fit. So every receipt is true by itself, whatever became of others.
 */
export interface HubAccount {
  readonly hub: HubId;
  /** The next readings are numbered in this series (null: the hub does not say). True where it is another than before. */
  open(series: string | null): boolean;
  take(candidate: unknown, at: Millis, policy: RefusalPolicy): TakenResult;
  /** `changesAt`: when the receipt changes by itself because a gap gets old. */
  receipt(at: Millis): { readonly receipt: Receipt; readonly changesAt: Millis | null };
  /** Note that `receipt` had been sent at `at`; returns the readings that it is the first to cover. */
  receipted(receipt: Receipt, at: Millis): readonly AcceptedReading[];
  numbers(): HubNumbers;
  /** What became of every number of this generation, by device and day. */
  days(): DayAccount;
}

const numberOf = (candidate: unknown): number | null => {
  const seq = (candidate as { seq?: unknown } | null | undefined)?.seq;
  return typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 1 ? seq : null;
};

const keyOf = (candidate: unknown): string => {
  const id = (candidate as { id?: unknown }).id;
  if (typeof id === "string") return id;
  return createHash("sha256").update(JSON.stringify(candidate)).digest("hex");
};

/** Settles what is at or below `through` and not in `missing`. */
export const covers = (receipt: Receipt, seq: number): boolean =>
  seq <= receipt.through && !receipt.missing.some(([from, to]) => from <= seq && seq <= to);

export const createHubAccount = (hub: HubId, validate: ReadingValidator, store: ReadingStore): HubAccount => {
  let generation = 1;
  let series: string | null = null;
  let ledger: Ledger = emptyLedger;
  const keys = new Map<number, string>();
  const marks = new Map<number, Mark>();
  const refusals = new Map<number, string>();
  const unreceipted = new Map<number, AcceptedReading>();

  const restart = (): void => {
    generation += 1;
    ledger = emptyLedger;
    keys.clear();
    marks.clear();
    refusals.clear();
    unreceipted.clear();
  };

  const check = (candidate: unknown, policy: RefusalPolicy): { reading: Reading } | { reason: string } => {
    const result = validate(candidate);
    if (result.tag === "invalid") return { reason: result.reason };
    const { reading } = result;
    if (reading.provenance.hubId !== hub) return { reason: "/provenance/hubId is not the hub of the topic" };
    if (readingIdOf(reading.idem) !== reading.id) return { reason: "/id is not the one that belongs to /idem" };
    if (store.effects.length >= MAX_STORED) return { reason: "the region's store is full" };
    const unwanted = policy(reading);
    return unwanted === null ? { reading } : { reason: unwanted };
  };

  const decide = (candidate: unknown, seq: number, key: string, at: Millis, policy: RefusalPolicy): Taken => {
    const refusedBefore = refusals.get(seq);
    if (refusedBefore !== undefined) return { tag: "refused", seq, reason: refusedBefore };
    keys.set(seq, key);
    ledger = account(ledger, seq, at);
    if (store.byId.has(key)) {
      if (!marks.has(seq)) marks.set(seq, markOf(candidate, "known"));
      return { tag: "duplicate", seq };
    }
    const checked = check(candidate, policy);
    if ("reason" in checked) {
      const reason = checked.reason.slice(0, MAX_REASON_LENGTH);
      refusals.set(seq, reason);
      marks.set(seq, markOf(candidate, "refused"));
      return { tag: "refused", seq, reason };
    }
    const accepted: AcceptedReading = {
      hub,
      generation,
      reading: checked.reading,
      receivedAt: at,
      receiptedAt: null,
    };
    store.effects.push(accepted);
    store.byId.set(key, accepted);
    unreceipted.set(seq, accepted);
    marks.set(seq, markOf(candidate, "accepted"));
    return { tag: "accepted", seq, accepted };
  };

  return {
    hub,
    open: (named) => {
      const isOther = named !== null && series !== null && named !== series;
      series = named ?? series;
      if (isOther) restart();
      return isOther;
    },
    take: (candidate, at, policy) => {
      const seq = numberOf(candidate);
      if (seq === null) {
        return { taken: { tag: "unreadable", reason: "/seq must be a whole number of 1 or more" }, restarted: false };
      }
      const key = keyOf(candidate);
      const known = keys.get(seq);
      const restarted = known !== undefined && known !== key;
      if (restarted) restart();
      return { taken: decide(candidate, seq, key, at, policy), restarted };
    },
    receipt: (at) => {
      const statement = statementOf(ledger, at, { grace: GAP_GRACE, maxMissing: MAX_MISSING });
      const refused = [...refusals]
        .filter(([seq]) => seq <= statement.through)
        .toSorted(([a], [b]) => a - b)
        .map(([seq, reason]) => ({ seq, reason }));
      const tooMany = refused[MAX_REFUSED];
      const through = tooMany === undefined ? statement.through : tooMany.seq - 1;
      const missing = statement.missing.filter(([from]) => from <= through);
      const receipt = { series, through, refused: refused.slice(0, MAX_REFUSED), missing } as unknown as Receipt;
      return { receipt, changesAt: statement.changesAt };
    },
    receipted: (receipt, at) => {
      const first: AcceptedReading[] = [];
      for (const [seq, accepted] of unreceipted) {
        if (!covers(receipt, seq)) continue;
        unreceipted.delete(seq);
        accepted.receiptedAt = at;
        first.push(accepted);
      }
      return first;
    },
    numbers: () => ({
      generation,
      through: contiguousOf(ledger),
      high: ledger.high,
      missing: missingCount(ledger),
      refused: refusals.size,
    }),
    days: () => dayAccountOf(ledger, marks),
  };
};
