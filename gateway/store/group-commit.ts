/** What one task weighs against the bound of a group. */
export interface GroupBound {
  readonly tasks: number;
  readonly bytes: number;
}

export interface GroupCommit<T> {
  /** Tasks that no group has taken yet. */
  readonly queued: number;
  submit(task: T): void;
  /** Resolves when nothing is queued and nothing is under way. */
  idle(): Promise<void>;
}

/**
 * One group at a time. While a group commits the next one gathers, so that any number of callers cost one fsync and a
 * lone caller waits for nobody. A group takes tasks in order up to `bound`; a task above the bound is a group of its
 * own. `commit` settles its tasks itself and never rejects.
 */
export const createGroupCommit = <T>(
  bound: GroupBound,
  bytesOf: (task: T) => number,
  commit: (group: readonly T[]) => Promise<void>,
): GroupCommit<T> => {
  const queue: T[] = [];
  let working: Promise<void> | null = null;

  const nextGroup = (): T[] => {
    let bytes = 0;
    let taken = 0;
    for (const task of queue) {
      bytes += bytesOf(task);
      if (taken > 0 && (taken >= bound.tasks || bytes > bound.bytes)) break;
      taken += 1;
    }
    return queue.splice(0, taken);
  };

  const work = async (): Promise<void> => {
    // Appends of the same turn of the event loop belong to the first group already.
    await Promise.resolve();
    while (queue.length > 0) await commit(nextGroup());
    working = null;
  };

  return {
    get queued() {
      return queue.length;
    },
    submit: (task) => {
      queue.push(task);
      working ??= work();
    },
    idle: async () => {
      while (working !== null) await working;
    },
  };
};
