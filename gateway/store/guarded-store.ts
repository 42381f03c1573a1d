import { type HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { closeQuietly } from "./database-file.ts";
import { openStore, type Store, type StoreOptions } from "./open-store.ts";
import type { OutboxRecovery } from "./recovery.ts";
import { setMeta } from "./schema.ts";
import { transact } from "./transaction.ts";
import { leavesConnectionSound, refusal } from "./trouble.ts";

/**
 * The store, or the trouble it is in. After a failed fsync the kernel may have dropped what it did not write, and a
 * second fsync says nothing about it: so nothing is tried again on the same connection. It is closed, the file is
 * opened anew with all its checks (and salvage, if they fail), one commit proves the disk, and only then is anything
 * accepted.
 */
export interface GuardedStore extends AsyncDisposable {
  /** The open store; throws what `refusal` says of the trouble. */
  require(doing: string): Store;
  /** As last known, also while there is trouble. */
  readonly latest: Store;
  /** Why nothing is accepted, as a sentence with the next step; null when all is well. */
  readonly trouble: string | null;
  readonly recovery: OutboxRecovery | null;
  /**
   * An operation on `store` failed: begin to recover, unless the connection is still good. Returns the error to give
   * to the caller.
   */
  failed(store: Store, doing: string, thrown: unknown): HubError;
}

/** Between attempts to open again: doubling from the first to the last, for as long as it takes. */
const FIRST_RETRY = seconds(1);
const LAST_RETRY = seconds(60);

/** One durable write and one complete copy of the journal. A full disk is not a broken one. */
const prove = async (store: Store): Promise<void> => {
  try {
    await transact(store.database, [setMeta("newest", store.ledger.newest)]);
    await store.database.query("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (thrown) {
    if (!leavesConnectionSound(thrown)) throw thrown;
  }
};

export const openGuardedStore = async (
  options: StoreOptions,
  onReopened: (store: Store) => void,
): Promise<GuardedStore> => {
  const { clock, logger } = options;
  const closing = new AbortController();
  let store = await openStore({ ...options, given: 0 });
  let recovery = store.recovery;
  let trouble: unknown = null;
  let recovering: Promise<void> = Promise.resolve();

  const reopen = async (): Promise<void> => {
    const opened = await openStore({ ...options, given: store.ledger.newest });
    try {
      await prove(opened);
    } catch (thrown) {
      await closeQuietly(opened.database);
      throw thrown;
    }
    store = opened;
    recovery = opened.recovery ?? recovery;
  };

  const recover = async (): Promise<void> => {
    await closeQuietly(store.database);
    for (let retry = FIRST_RETRY; !closing.signal.aborted; retry = millis(Math.min(retry * 2, LAST_RETRY))) {
      try {
        await reopen();
        trouble = null;
        logger.warn("outbox opened again and checked", { count: store.ledger.waiting.size });
        return onReopened(store);
      } catch (thrown) {
        trouble = thrown;
        logger.error("outbox cannot be opened again yet", { reason: messageOf(thrown) });
      }
      // Only closing interrupts the wait, and then the loop ends.
      await clock.sleep(retry, closing.signal).catch(() => undefined);
    }
  };

  return {
    get latest() {
      return store;
    },
    get recovery() {
      return recovery;
    },
    get trouble() {
      return trouble === null ? null : refusal("state", trouble, store.ledger.waiting.size).message;
    },
    require: (doing) => {
      if (trouble !== null) throw refusal(doing, trouble, store.ledger.waiting.size);
      return store;
    },
    failed: (failing, doing, thrown) => {
      const sound = leavesConnectionSound(thrown);
      if (!sound && trouble === null && failing === store) {
        trouble = thrown;
        logger.error("outbox stopped accepting: the disk or the database failed", {
          code: isHubError(thrown) ? thrown.code : null,
          reason: messageOf(thrown),
          count: store.ledger.waiting.size,
        });
        recovering = recover();
      }
      // A call that the closing of the connection cut short failed for the reason of the closing.
      const reason = isHubError(thrown, "outbox-closed") && trouble !== null ? trouble : thrown;
      return refusal(doing, reason, store.ledger.waiting.size);
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await recovering;
      if (trouble === null) await store.database[Symbol.asyncDispose]();
    },
  };
};
