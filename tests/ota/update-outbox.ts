import { existsSync } from "node:fs";
import { join } from "node:path";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { closeQuietly, openDatabaseFile } from "../../gateway/store/database-file.ts";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { outboxFiles } from "../../gateway/store/outbox-files.ts";
import { migrations } from "../../gateway/store/schema.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { LATER } from "../power-cut/later-migration.ts";
import { silentLogger } from "../support/test-loggers.ts";

/** Releases that leave the outbox's file as they find it; every other one changes it when it first opens it. */
const EARLY: ReadonlySet<string> = new Set(["base", "one"]);

/** The outbox of a hub, opened by the release of this name: what a rollback leaves was changed by the release that is gone. */
export const openOutboxAs = async (place: string, release: string): Promise<SqliteOutbox> => {
  const directory = join(place, "outbox");
  const { database } = outboxFiles(directory);
  if (!EARLY.has(release) && existsSync(database)) {
    await closeQuietly(await openDatabaseFile(database, openDatabase, [...migrations, LATER]));
  }
  return openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });
};
