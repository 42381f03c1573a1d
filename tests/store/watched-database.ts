import { type Database, type OpenDatabase, openDatabase } from "../../gateway/store/sqlite.ts";
import { HubError, type HubErrorCode } from "../../protocol/errors.ts";

/** A real database whose statements a test can count, hold up and let fail. */
export interface WatchedDatabase {
  readonly open: OpenDatabase;
  /** Every statement of the outbox file, with the number of the connection it ran on, as `1 BEGIN IMMEDIATE`. */
  readonly statements: string[];
  /** The next `times` statements that match fail with `code`, before (true) or after SQLite carried them out. */
  failOn(match: RegExp, code: HubErrorCode, options?: { times?: number; afterwards?: boolean }): void;
  /** Statements that match wait until the returned function is called. */
  holdUp(match: RegExp): () => void;
  /** Run when a connection to the outbox file opens. */
  onOpen(setUp: (database: Database) => Promise<void>): void;
}

interface Fault {
  readonly match: RegExp;
  readonly code: HubErrorCode;
  readonly afterwards: boolean;
  left: number;
}

export const createWatchedDatabase = (): WatchedDatabase => {
  const statements: string[] = [];
  const faults: Fault[] = [];
  const gates: { match: RegExp; open: Promise<void> }[] = [];
  let setUp: ((database: Database) => Promise<void>) | null = null;
  let connections = 0;

  const around = async <T>(connection: number, sql: string, run: () => Promise<T>): Promise<T> => {
    statements.push(`${connection} ${sql}`);
    for (const gate of gates) if (gate.match.test(sql)) await gate.open;
    const fault = faults.find((one) => one.left > 0 && one.match.test(sql));
    if (fault !== undefined) {
      fault.left -= 1;
      if (fault.afterwards) await run();
      throw new HubError(fault.code, `simulated: ${fault.code}`, { context: { sqlite: 10 } });
    }
    return run();
  };

  return {
    statements,
    failOn: (match, code, { times = 1, afterwards = false } = {}) => {
      faults.push({ match, code, afterwards, left: times });
    },
    holdUp: (match) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gates.push({ match, open: promise });
      return resolve;
    },
    onOpen: (action) => {
      setUp = action;
    },
    open: async (path) => {
      const inner = await openDatabase(path);
      if (!path.endsWith(".db")) return inner;
      connections += 1;
      const connection = connections;
      await setUp?.(inner);
      return {
        query: (sql) => around(connection, sql, () => inner.query(sql)),
        all: (sql, parameters) => around(connection, sql, () => inner.all(sql, parameters)),
        run: (sql, parameters) => around(connection, sql, () => inner.run(sql, parameters)),
        [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      };
    },
  };
};
