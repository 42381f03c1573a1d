import type { Clock } from "../../protocol/ports/clock.ts";
import type { Appended } from "../../protocol/ports/outbox.ts";
import { millis, minutes } from "../../protocol/time.ts";
import { type AppendPlan, type Entry, insertStatements, planAppends } from "./append-plan.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { FLOOR_BLOCK, writeFloor } from "./number-floor.ts";
import type { Store } from "./open-store.ts";
import { SETTLE_AT_ONCE, type SettlementQueue } from "./settlement-queue.ts";
import { type SqlStatement, transact } from "./transaction.ts";
import type { Upkeep } from "./upkeep.ts";

interface Answer<T> {
  resolve(value: T): void;
  reject(reason: Error): void;
}

export type Task =
  | {
      readonly tag: "append";
      readonly entries: readonly Entry[];
      readonly bytes: number;
      readonly answer: Answer<readonly Appended[]>;
    }
  /** Other rows; `counter` is the ceiling of the counters that these rows reserve, 0 for none. */
  | {
      readonly tag: "write";
      readonly doing: string;
      readonly statements: readonly SqlStatement[];
      readonly counter: number;
      readonly answer: Answer<void>;
    }
  /** Nothing of its own: carries out what the settlement queue has, and upkeep. */
  | { readonly tag: "settle" };

type Append = Extract<Task, { tag: "append" }>;
type Write = Extract<Task, { tag: "write" }>;

export interface CommitterParts {
  readonly guard: GuardedStore;
  readonly floorPath: string;
  readonly settlements: SettlementQueue;
  readonly upkeep: Upkeep;
  readonly clock: Clock;
}

/**
 * Settlements ride with an append this often, or when there are SETTLE_AT_ONCE of them: deleting ten rows writes hardly
 * more pages than deleting one, and a reading a minute then costs a third less of the card.
 */
export const RIDE_EVERY = minutes(10);

const NEVER = millis(Number.NEGATIVE_INFINITY);

/** With more than these the file is not made smaller: what they leave takes what comes. */
const MANY_WAITING = 1024;

/** Digests forgotten between two prunings of the table. */
const PRUNE_EVERY = 1024;

const doingOf = (task: Append | Write): string => (task.tag === "append" ? "append" : task.doing);

/** Numbers are given from below the floor only: the floor moves first. */
const raiseFloor = async (store: Store, path: string, seq: number, counter: number): Promise<void> => {
  if (seq <= store.floor.seq && counter <= store.floor.counter) return;
  const floor = {
    // From the newest that is committed, not from the newest of this group: a cut before its commit is no loss.
    seq: seq > store.floor.seq ? Math.max(seq, store.ledger.newest + FLOOR_BLOCK) : store.floor.seq,
    counter: counter > store.floor.counter ? counter + FLOOR_BLOCK - 1 : store.floor.counter,
    series: store.series,
  };
  await writeFloor(path, floor);
  store.floor = floor;
};

/** Digests below the window of remembered numbers, from time to time. */
const pruning = (store: Store, newest: number): readonly SqlStatement[] => {
  const forgotten = newest - store.digests.capacity;
  if (forgotten < store.prunedTo + PRUNE_EVERY) return [];
  store.prunedTo = forgotten;
  return [{ sql: "DELETE FROM settled WHERE seq <= ?", parameters: [forgotten] }];
};

/** Make the committed rows part of what is known in memory. */
const adopt = (store: Store, plan: AppendPlan): void => {
  if (plan.rows.length === 0) return;
  const last = plan.first + plan.rows.length - 1;
  store.ledger.waiting.add(plan.first, last);
  store.ledger.newest = last;
  for (const [i, { digest, payload, lot }] of plan.rows.entries()) {
    store.digests.add(plan.first + i, digest, store.lots.numberOf(lot));
    store.recent.add(plan.first + i, payload);
  }
};

/**
 * Carries out one group in one transaction: settlements first, so that new rows use the pages they free, then rows.
 * Answers every task; never rejects. True where there is more to settle or to keep up at once.
 */
export const createCommitter = ({ guard, floorPath, settlements, upkeep, clock }: CommitterParts) => {
  let settledAt = NEVER;
  /** The last commit went without settlements although many were due. */
  let owes = false;

  /**
   * How many settled rows go into this commit. Somebody waits for an append: where many rows are settled they go into
   * commits of their own, unless appends come without a break; then into every other one, and more than are appended.
   */
  const settling = (appending: number, isAskedFor: boolean): number => {
    const { size } = settlements;
    const now = clock.elapsed();
    const areMany = size >= SETTLE_AT_ONCE;
    const isLater = appending > 0 && (areMany ? !owes : !isAskedFor && now - settledAt < RIDE_EVERY);
    owes = isLater && areMany;
    if (isLater || size === 0) return 0;
    settledAt = now;
    return Math.max(SETTLE_AT_ONCE, 2 * appending);
  };

  return async (group: readonly Task[]): Promise<boolean> => {
    const appends = group.filter((task) => task.tag === "append");
    const writes = group.filter((task) => task.tag === "write");
    const store = guard.latest;
    const refuse = (thrown: unknown): void => {
      for (const task of [...appends, ...writes]) task.answer.reject(guard.failed(store, doingOf(task), thrown));
    };
    try {
      guard.require("commit");
    } catch (thrown) {
      refuse(thrown);
      return false;
    }

    const plan = planAppends(
      appends.map((task) => task.entries),
      store.ledger.newest,
      store.digests,
    );
    const newest = store.ledger.newest + plan.rows.length;
    const isAskedFor = group.some(({ tag }) => tag !== "append");
    const batch = settlements.take(store.digests, settling(plan.rows.length, isAskedFor));
    const inserts = insertStatements(plan.first, plan.rows, store.seal, store.lots);
    const statements = [
      ...batch.statements,
      ...(batch.deleted > 0 ? pruning(store, newest) : []),
      ...writes.flatMap((task) => task.statements),
      ...store.lots.statements(),
      ...inserts,
    ];
    try {
      await raiseFloor(
        store,
        floorPath,
        plan.rows.length > 0 ? newest : 0,
        Math.max(0, ...writes.map((w) => w.counter)),
      );
      await transact(store.database, statements);
    } catch (thrown) {
      settlements.putBack(batch);
      // On a full disk it is the settled rows that make room.
      [settledAt, owes] = [NEVER, true];
      guard.failed(store, "commit", thrown);
      refuse(thrown);
      return false;
    }
    store.lots.saved();
    adopt(store, plan);
    for (const [i, task] of appends.entries()) task.answer.resolve(plan.results[i] ?? []);
    for (const task of writes) task.answer.resolve();

    try {
      return await upkeep.after(store.database, {
        statements,
        rowsDeleted: batch.deleted,
        isDraining: store.ledger.waiting.size > MANY_WAITING,
      });
    } catch (thrown) {
      guard.failed(store, "upkeep", thrown);
      return false;
    }
  };
};
