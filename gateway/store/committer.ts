import type { Appended } from "../../protocol/ports/outbox.ts";
import { type AppendPlan, type Entry, insertStatements, planAppends } from "./append-plan.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { FLOOR_BLOCK, writeFloor } from "./number-floor.ts";
import type { Store } from "./open-store.ts";
import type { SettlementBatch, SettlementQueue } from "./settlement-queue.ts";
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

/** Digests forgotten between two prunings of the table. */
const PRUNE_EVERY = 1024;

const doingOf = (task: Append | Write): string => (task.tag === "append" ? "append" : task.doing);

/** Numbers are given from below the floor only: the floor moves first. */
const raiseFloor = async (store: Store, path: string, seq: number, counter: number): Promise<void> => {
  if (seq <= store.floor.seq && counter <= store.floor.counter) return;
  const floor = {
    seq: seq > store.floor.seq ? seq + FLOOR_BLOCK - 1 : store.floor.seq,
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
  for (const [i, { digest, lot }] of plan.rows.entries()) {
    store.digests.add(plan.first + i, digest, store.lots.numberOf(lot));
  }
};

/**
 * Carries out one group in one transaction: settlements first, so that new rows use the pages they free, then rows.
 * Answers every task; never rejects. True where there is more to settle or to keep up at once.
 */
export const createCommitter =
  (guard: GuardedStore, floorPath: string, settlements: SettlementQueue, upkeep: Upkeep) =>
  async (group: readonly Task[]): Promise<boolean> => {
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
    const batch: SettlementBatch = settlements.take(store.digests);
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
      guard.failed(store, "commit", thrown);
      refuse(thrown);
      return false;
    }
    store.lots.saved();
    adopt(store, plan);
    for (const [i, task] of appends.entries()) task.answer.resolve(plan.results[i] ?? []);
    for (const task of writes) task.answer.resolve();

    try {
      return await upkeep.after(store.database, { statements, rowsDeleted: batch.deleted });
    } catch (thrown) {
      guard.failed(store, "upkeep", thrown);
      return false;
    }
  };
