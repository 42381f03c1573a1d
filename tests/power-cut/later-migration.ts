import { type Migration, migrations } from "../../gateway/store/schema.ts";

const newest = migrations.at(-1)?.version ?? 0;

/** A step that a later release may take: additive, and readable by this one. */
export const LATER: Migration = {
  version: newest + 1,
  readableBy: newest,
  statements: [
    "ALTER TABLE reading ADD COLUMN later INTEGER NOT NULL DEFAULT 7",
    "CREATE TABLE added (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    "INSERT INTO added VALUES (1, 'one')",
  ],
};
