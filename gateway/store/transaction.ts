import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Database, SqlValue } from "./sqlite.ts";

export interface SqlStatement {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** SQLITE_ERROR: what ROLLBACK answers where SQLite has rolled back by itself (sqlite.org/lang_transaction.html 4). */
const NOTHING_TO_ROLL_BACK = 1;

/**
 * All statements or none; durable when it resolves. A single statement is its own transaction (one trip to the worker
 * thread instead of three). Rejects with the first error. Where rolling back fails too, nothing is known of the
 * connection any more: HubError `outbox-poisoned`.
 */
export const transact = async (database: Database, statements: readonly SqlStatement[]): Promise<void> => {
  const [only, ...more] = statements;
  if (only === undefined) return;
  if (more.length === 0) return database.run(only.sql, only.parameters);
  try {
    await database.run("BEGIN IMMEDIATE");
    for (const { sql, parameters } of statements) await database.run(sql, parameters);
    await database.run("COMMIT");
  } catch (thrown) {
    await rollBack(database);
    throw thrown;
  }
};

const rollBack = async (database: Database): Promise<void> => {
  try {
    await database.run("ROLLBACK");
  } catch (thrown) {
    if (isHubError(thrown) && thrown.context.sqlite === NOTHING_TO_ROLL_BACK) return;
    throw new HubError("outbox-poisoned", "roll back: the connection did not give up its transaction", {
      cause: thrown,
    });
  }
};
