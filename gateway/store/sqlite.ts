// biome-ignore lint/style/noRestrictedImports: this is the one file that the rule speaks of
import sqlite3 from "sqlite3";
import { HubError, type HubErrorCode } from "../../protocol/errors.ts";

export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * One connection. Calls run one after the other, in the order of the calls, off the event loop. Every failure is a
 * HubError: `outbox-disk-full`, `outbox-read-only`, `outbox-poisoned`, `outbox-corrupt`, or `invalid-config` where
 * another process holds the file; its context has SQLite's extended result code as `sqlite`.
 */
export interface Database extends AsyncDisposable {
  /** For what is run once (PRAGMA): the statement is not kept. */
  query(sql: string): Promise<readonly SqlRow[]>;
  /** All rows. The prepared statement is kept by its text, so pass values as parameters. */
  all(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** For statements without rows. Outside BEGIN ... COMMIT it is durable when it resolves. */
  run(sql: string, parameters?: readonly SqlValue[]): Promise<void>;
}

/** Opens the file, and creates it where there is none. */
export type OpenDatabase = (path: string) => Promise<Database>;

/** Distinct statement texts kept prepared: the outbox has about 30; more means that values are built into the text. */
const MAX_STATEMENTS = 64;

/** SQLITE_OPEN_EXRESCODE (sqlite.org/c3ref/c_open_autoproxy.html): errors carry extended codes such as IOERR_FSYNC. */
const OPEN_EXRESCODE = 0x02000000;

/** Primary result codes (sqlite.org/rescode.html). Whatever is not named here leaves the connection untrustworthy. */
const codeOfResult: ReadonlyMap<number, HubErrorCode> = new Map([
  // SQLITE_ERROR: statements are constants, so a table or a column that they name is not there any more.
  [1, "outbox-corrupt"],
  [3, "outbox-read-only"], // SQLITE_PERM
  [5, "invalid-config"], // SQLITE_BUSY
  [6, "invalid-config"], // SQLITE_LOCKED
  [8, "outbox-read-only"], // SQLITE_READONLY
  [10, "outbox-poisoned"], // SQLITE_IOERR and its kin
  [11, "outbox-corrupt"], // SQLITE_CORRUPT
  [13, "outbox-disk-full"], // SQLITE_FULL
  [14, "outbox-read-only"], // SQLITE_CANTOPEN: also a journal that cannot be created beside the file
  [26, "outbox-corrupt"], // SQLITE_NOTADB
]);

const PRIMARY_CODE = 0xff;

const failure = (thrown: Error, doing: string): HubError => {
  const result = (thrown as Error & { errno?: number }).errno ?? -1;
  const said = thrown.message.replace(/^[A-Z_]+: /, "");
  return new HubError(
    codeOfResult.get(result & PRIMARY_CODE) ?? "outbox-poisoned",
    `${doing}: ${said} (SQLite ${result})`,
    {
      cause: thrown,
      context: { sqlite: result },
    },
  );
};

const settled = <T>(doing: string, start: (done: (error: Error | null, result?: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    start((error, result) => (error === null ? resolve(result as T) : reject(failure(error, doing))));
  });

/** The first words of a statement: enough to tell which one failed, and never a value. */
const brief = (sql: string): string => sql.trim().split(/\s+/, 4).join(" ");

export const openDatabase: OpenDatabase = async (path) => {
  const flags = sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE | sqlite3.OPEN_FULLMUTEX | OPEN_EXRESCODE;
  const handle = await settled<sqlite3.Database>(`open ${path}`, (done) => {
    const opening = new sqlite3.Database(path, flags, (error) => done(error, opening));
  });
  const statements = new Map<string, sqlite3.Statement>();
  let last: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | null = null;

  /** The driver would run prepared statements at once, each blocking one of libuv's four threads on the connection. */
  const inTurn = <T>(job: () => Promise<T>): Promise<T> => {
    if (closing !== null) return Promise.reject(new HubError("outbox-closed", `${path}: the database is closed`));
    const result = last.then(job);
    last = result.catch(() => undefined);
    return result;
  };

  const prepared = async (sql: string): Promise<sqlite3.Statement> => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (statements.size >= MAX_STATEMENTS) throw new Error(`more than ${MAX_STATEMENTS} statements: ${brief(sql)}`);
    const statement = await settled<sqlite3.Statement>(brief(sql), (done) => {
      const preparing = handle.prepare(sql, (error: Error | null) => done(error, preparing));
    });
    statements.set(sql, statement);
    return statement;
  };

  const close = async (): Promise<void> => {
    for (const statement of statements.values()) {
      await new Promise<void>((resolve) => statement.finalize(() => resolve()));
    }
    await settled<void>(`close ${path}`, (done) => handle.close(done));
  };

  return {
    query: (sql) => inTurn(() => settled<SqlRow[]>(brief(sql), (done) => handle.all<SqlRow>(sql, done))),
    all: (sql, parameters = []) =>
      inTurn(async () => {
        const statement = await prepared(sql);
        return settled<SqlRow[]>(brief(sql), (done) => statement.all<SqlRow>([...parameters], done));
      }),
    run: (sql, parameters = []) =>
      inTurn(async () => {
        const statement = await prepared(sql);
        await settled<void>(brief(sql), (done) => statement.run([...parameters], done));
      }),
    [Symbol.asyncDispose]: () => {
      closing ??= last.then(close);
      return closing;
    },
  };
};

const damaged = (column: string, wanted: string): HubError =>
  new HubError("outbox-corrupt", `column ${column}: ${wanted} was expected`);

/** A whole number of a row; HubError `outbox-corrupt` for anything else. */
export const integerOf = (row: SqlRow, column: string): number => {
  const value = row[column];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw damaged(column, "a whole number");
  return value;
};

/** Bytes of a row; HubError `outbox-corrupt` for anything else. */
export const bytesOf = (row: SqlRow, column: string): Uint8Array => {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw damaged(column, "bytes");
  return value;
};

/** Text of a row, or null; HubError `outbox-corrupt` for anything else. */
export const textOf = (row: SqlRow, column: string): string | null => {
  const value = row[column];
  if (value !== null && typeof value !== "string") throw damaged(column, "text");
  return value;
};
