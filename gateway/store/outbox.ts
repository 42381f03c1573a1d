import { randomInt } from "node:crypto";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Appended, Outbox, UnreadableCapture } from "../../protocol/ports/outbox.ts";
import { minutes } from "../../protocol/time.ts";
import { accountOf, type OutboxAccount } from "./account.ts";
import type { Entry } from "./append-plan.ts";
import { captureStatements } from "./capture.ts";
import { createCommitter, type Task } from "./committer.ts";
import { closeQuietly } from "./database-file.ts";
import { createGroupCommit } from "./group-commit.ts";
import { type GuardedStore, openGuardedStore } from "./guarded-store.ts";
import { writeFloor } from "./number-floor.ts";
import { createDirectory, lockDirectory, outboxFiles } from "./outbox-files.ts";
import { loadSeal } from "./outbox-key.ts";
import { encodePayload } from "./payload.ts";
import {
  type RefusedReading,
  readNewest,
  readNewestTexts,
  readNext,
  readNextTexts,
  readRefused,
  readUnreadable,
} from "./read-rows.ts";
import { applyReceipt, readReceipt } from "./receipt.ts";
import type { OutboxRecovery } from "./recovery.ts";
import { withSealedReasons } from "./refusal-reason.ts";
import { metaOf, setMeta } from "./schema.ts";
import type { Seal } from "./seal.ts";
import { createSettlementQueue, SETTLE_AT_ONCE } from "./settlement-queue.ts";
import { type OpenDatabase, openDatabase as openSqlite } from "./sqlite.ts";
import { type SqlStatement, transact } from "./transaction.ts";
import { refusal } from "./trouble.ts";
import { createUpkeep } from "./upkeep.ts";

export interface SqliteOutboxOptions {
  /** Created (0700) where it is missing. One hub at a time. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For how many of the newest numbers a reading that comes again is known; 200 000 unless given. */
  readonly remember?: number;
  /** Folder of systemd's credentials, `$CREDENTIALS_DIRECTORY`: where it has the key, no key file is used. */
  readonly credentials?: string | undefined;
  /** Counters up to here were handed out before an erase: none of them is given again. */
  readonly countersFrom?: number;
  /** SQLite through `sqlite3` unless given. */
  readonly openDatabase?: OpenDatabase;
}

export interface SqliteOutbox extends Outbox {
  /** What was saved and lost where opening found damage; null where all was well. To be reported to the region. */
  readonly recovered: OutboxRecovery | null;
  /** Why nothing is accepted at the moment, with the next step; null when all is well. */
  readonly trouble: string | null;
  /** What became of the newest readings (as many as `remember`), by sensor and day. */
  account(): OutboxAccount;
  /** The newest captures kept by `keepUnreadable`, newest first. */
  unreadable(limit: number): Promise<readonly UnreadableCapture[]>;
  /** The newest readings that the region refused, newest first, with its reason. */
  refused(limit: number): Promise<readonly RefusedReading[]>;
  /** How many of these numbers wait for the region, both ends included. */
  waitingBetween(from: number, to: number): number;
  /** Counters up to here may have been handed out. */
  readonly counter: number;
  /**
   * Write a number that means nothing, and read it back. Durable when it resolves; rejects as `append` does, and with
   * `outbox-poisoned` where another number came back. Takes no sequence number: nothing of it reaches the region. One
   * at a time.
   */
  proveWrites(): Promise<void>;
}

/** At one reading a minute 139 days; 7 MB of memory when full. */
export const REMEMBERED = 200_000;

/**
 * A settlement rides with a commit of others (committer.ts), or goes alone after this time: longer than what it may wait
 * for a ride, so that it costs no commit of its own where readings come. A crash meanwhile costs the resending of what
 * was settled since, which the region knows by its id.
 */
export const SETTLE_WITHIN = minutes(12);

/** One fsync for at most this much: some 10 ms of a card that writes 20 MB/s. */
const GROUP = { tasks: 256, bytes: 256 * 1024 };

/** Calls waiting for a commit. Callers wait for their answer before the next call, so this is far above all sensors. */
const MAX_QUEUED = 4096;

/** Counters made durable at a time: one commit in 1 000 calls, and at most as many skipped by a crash. */
const COUNTER_BLOCK = 1000;

/** Of 2^47 numbers the one that stood there before does not come again. */
const MOST_PROOF = 2 ** 47;

/** Characters of the date in an ISO 8601 text. */
const ISO_DATE = 10;

const seriesText = (series: number): string => series.toString(16).padStart(12, "0");

/**
 * The outbox in SQLite: `append` resolves after fsync, whatever else happens to the process or the power. Rejects with
 * HubError `outbox-key` (see outbox-key.ts), `invalid-config` (another hub has the directory, or a newer release wrote the file), `outbox-read-only`,
 * `outbox-disk-full` or `outbox-poisoned`. Damage does not reject: see `recovered`.
 */
export const openSqliteOutbox = async (options: SqliteOutboxOptions): Promise<SqliteOutbox> => {
  const { directory, clock, logger, remember = REMEMBERED, openDatabase = openSqlite, credentials } = options;
  const files = outboxFiles(directory);
  await createDirectory(directory);
  const lock = await lockDirectory(files, openDatabase);
  const settlements = createSettlementQueue();
  let reserved = 0;
  let counter = 0;
  let guard: GuardedStore;
  let seal: Seal;
  try {
    seal = await loadSeal(files, openDatabase, credentials);
    guard = await openGuardedStore({ files, clock, logger, openDatabase, remember, seal }, (store) => {
      // What was not durable yet is waiting again, and will be receipted again.
      settlements.clear();
      reserved = Math.max(reserved, store.counter);
      counter = Math.max(counter, store.recovery === null ? 0 : store.counter);
    });
  } catch (thrown) {
    await closeQuietly(lock);
    throw thrown;
  }
  reserved = guard.latest.counter;
  counter = Math.max(reserved, options.countersFrom ?? 0);

  const commit = createCommitter({ guard, floorPath: files.floor, settlements, upkeep: createUpkeep(logger), clock });
  const closing = new AbortController();
  let flushing = false;
  let reserving: Promise<void> | null = null;
  let closed: Promise<void> | null = null;

  const groups = createGroupCommit<Task>(
    GROUP,
    (task) => (task.tag === "append" ? task.bytes : 0),
    async (group) => {
      const more = await commit(group);
      if (more || settlements.size >= SETTLE_AT_ONCE) groups.submit({ tag: "settle" });
      else if (settlements.size > 0) flushLater();
    },
  );

  const flushLater = (): void => {
    if (flushing) return;
    flushing = true;
    clock
      .sleep(SETTLE_WITHIN, closing.signal)
      .then(() => groups.submit({ tag: "settle" }))
      // Only closing interrupts the wait, and closing flushes by itself.
      .catch(() => undefined)
      .finally(() => {
        flushing = false;
      });
  };

  const requireOpen = (doing: string): void => {
    const { waiting } = guard.latest.ledger;
    if (closed !== null) throw refusal(doing, new HubError("outbox-closed", "closed"), waiting.size);
    guard.require(doing);
  };

  const requireRoom = (doing: string): void => {
    requireOpen(doing);
    if (groups.queued < MAX_QUEUED) return;
    const { size } = guard.latest.ledger.waiting;
    throw new HubError(
      "outbox-poisoned",
      `outbox ${doing}: ${MAX_QUEUED} calls wait for the disk already (${size} readings waiting); not stored. The disk ` +
        "is far too slow: replace the card if this returns",
      { context: { waiting: size } },
    );
  };

  const write = async (doing: string, statements: readonly SqlStatement[], reserve = 0): Promise<void> => {
    requireRoom(doing);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    groups.submit({ tag: "write", doing, statements, counter: reserve, answer: { resolve, reject } });
    return promise;
  };

  const reserveCounters = async (): Promise<void> => {
    const ceiling = counter + COUNTER_BLOCK;
    await write("counter", [setMeta("counter", ceiling)], ceiling);
    reserved = ceiling;
  };

  const close = async (): Promise<void> => {
    await groups.idle();
    closing.abort();
    try {
      if (guard.trouble === null) await flushEverything();
    } catch (thrown) {
      // Readings are durable already; what is not costs resending, or skipped numbers.
      logger.warn("outbox closed without its last notes", { reason: messageOf(thrown) });
    }
    try {
      await guard[Symbol.asyncDispose]();
    } finally {
      await lock[Symbol.asyncDispose]();
    }
  };

  const flushEverything = async (): Promise<void> => {
    const { database, ledger, digests, series } = guard.require("close");
    while (settlements.size > 0) await transact(database, settlements.take(digests, SETTLE_AT_ONCE).statements);
    await transact(database, [setMeta("counter", counter)]);
    await writeFloor(files.floor, { seq: ledger.newest, counter, series });
  };

  const read = async <T>(doing: string, rows: (store: GuardedStore["latest"]) => Promise<T>): Promise<T> => {
    requireOpen(doing);
    const store = guard.latest;
    try {
      return await rows(store);
    } catch (thrown) {
      throw guard.failed(store, doing, thrown);
    }
  };

  const quarantine = (seq: Seq, reason: string): void => {
    logger.error("stored reading cannot be read back and is kept for support", { seq, reason });
    guard.latest.ledger.waiting.remove(seq, seq);
    guard.latest.ledger.unreadable.add(seq, seq);
    settlements.markUnreadable(seq, reason);
    flushLater();
  };

  return {
    get series() {
      return seriesText(guard.latest.series);
    },
    append: async (readings, sensor = null): Promise<readonly Appended[]> => {
      requireRoom("append");
      const entries = readings.map((draft): Entry => {
        const day = draft.time.received.utc?.slice(0, ISO_DATE) ?? null;
        return { digest: seal.digestOf(draft.idem), payload: encodePayload(draft), lot: { sensor, day } };
      });
      const bytes = entries.reduce((sum, { payload }) => sum + payload.byteLength, 0);
      const { promise, resolve, reject } = Promise.withResolvers<readonly Appended[]>();
      groups.submit({ tag: "append", entries, bytes, answer: { resolve, reject } });
      return promise;
    },
    next: (after, limit) => read("next", (store) => readNext(store, after, limit, quarantine)),
    newest: (before, limit) => read("newest", (store) => readNewest(store, before, limit, quarantine)),
    nextTexts: (after, limit) => read("next", (store) => readNextTexts(store, after, limit, quarantine)),
    newestTexts: (before, limit) => read("newest", (store) => readNewestTexts(store, before, limit, quarantine)),
    settle: async (receipt) => {
      requireOpen("settle");
      const { ledger, series } = guard.latest;
      const effects = readReceipt(ledger, seriesText(series), receipt);
      applyReceipt(ledger, effects);
      settlements.add(withSealedReasons(effects, seal));
      // A restored reading that is lost again would not wait any more: nothing to resend. So this one does not lag.
      while (settlements.holds(effects.restore)) await write("settle", []);
      // A refusal is rare, and somebody will ask why.
      const isPressing = settlements.size >= SETTLE_AT_ONCE || effects.refuse.size > 0;
      if (isPressing) groups.submit({ tag: "settle" });
      else if (settlements.size > 0) flushLater();
      return effects.settlement;
    },
    account: () => accountOf(guard.latest),
    proveWrites: async () => {
      const number = randomInt(1, MOST_PROOF);
      await write("proof", [setMeta("proof", number)]);
      const found = await read("proof", ({ database }) => metaOf(database, "proof"));
      if (found === number) return;
      const what = "what was just written was read back as something else";
      throw new HubError("outbox-poisoned", `outbox proof: ${what}; look at the disk`);
    },
    keepUnreadable: (capture) => write("capture", captureStatements(capture, seal)),
    refused: (limit) => read("refused readings", (store) => readRefused(store, limit)),
    waitingBetween: (from, to) =>
      guard.latest.ledger.waiting.within(from, to).reduce((sum, [first, last]) => sum + last - first + 1, 0),
    get counter() {
      return Math.max(counter, reserved);
    },
    unreadable: (limit) => read("captures", (store) => readUnreadable(store, limit)),
    depth: () => {
      const { waiting, refused, newest } = guard.latest.ledger;
      return {
        waiting: waiting.size,
        refused: refused.size,
        oldest: waiting.first as Seq | null,
        newest: newest === 0 ? null : (newest as Seq),
      };
    },
    nextCounter: async () => {
      requireOpen("counter");
      counter += 1;
      const mine = counter;
      while (mine > reserved) {
        reserving ??= reserveCounters().finally(() => {
          reserving = null;
        });
        await reserving;
      }
      return mine;
    },
    get recovered() {
      return guard.recovery;
    },
    get trouble() {
      return guard.trouble;
    },
    [Symbol.asyncDispose]: () => {
      closed ??= close();
      return closed;
    },
  };
};
