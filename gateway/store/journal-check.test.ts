import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkJournal } from "./journal-check.ts";
import { PAGE_SIZE } from "./page-size.ts";
import { openDatabase } from "./sqlite.ts";

const COMMITS = 8;
const FRAME = 24 + PAGE_SIZE;

let directory: string;
/** A real journal of SQLite's, with a few commits. */
let journal: Uint8Array;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hemhub-journal-"));
  const path = join(directory, "some.db");
  const database = await openDatabase(path);
  for (const setting of [`page_size = ${PAGE_SIZE}`, "journal_mode = WAL", "wal_autocheckpoint = 0"]) {
    await database.query(`PRAGMA ${setting}`);
  }
  await database.query("CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)");
  for (let n = 1; n < COMMITS; n += 1) await database.query(`INSERT INTO t VALUES (${n}, randomblob(1500))`);
  journal = Uint8Array.from(await readFile(`${path}-wal`));
  await database[Symbol.asyncDispose]();
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const flipped = (at: number): Uint8Array => {
  const copy = Uint8Array.from(journal);
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
};

const commitFrames = (log: Uint8Array): number[] => {
  const view = new DataView(log.buffer);
  const frames = Array.from({ length: (log.length - 32) / FRAME }, (_, i) => i);
  return frames.filter((i) => view.getUint32(32 + i * FRAME + 4) !== 0);
};

it("finds a journal whole as SQLite wrote it, and every cut of it, as after a power cut", () => {
  for (let length = 0; length <= journal.length; length += 131) {
    expect(checkJournal(journal.slice(0, length)).tag).toBe("whole");
  }
  expect(checkJournal(journal).tag).toBe("whole");
});

it("takes a break in the last commit for a power cut, and any break before the last two for damage", () => {
  const commits = commitFrames(journal);
  expect(commits).toHaveLength(COMMITS);
  const lastBegins = 32 + ((commits.at(-2) ?? 0) + 1) * FRAME;
  const twoFollow = 32 + ((commits.at(-3) ?? 0) + 1) * FRAME;
  for (let at = 0; at < journal.length; at += 13) {
    const { tag } = checkJournal(flipped(at));
    if (at >= lastBegins) expect(tag, `byte ${at}`).toBe("whole");
    // Byte 0 to 31 is the header: checkpoint count and version are covered by its checksum like everything else.
    else if (at < twoFollow) expect(tag, `byte ${at}`).toBe("damaged");
  }
});

it("mends a journal so that it is whole, as long, and the same but for the damaged frame and the sums", () => {
  for (let at = 0; at < 32 + 4 * FRAME; at += 61) {
    const check = checkJournal(flipped(at));
    if (check.tag !== "damaged") throw new Error(`byte ${at} was not noticed`);
    expect(checkJournal(check.mended).tag).toBe("whole");
    expect(check.mended.length).toBe(journal.length);
    expect(commitFrames(check.mended).length).toBeGreaterThanOrEqual(COMMITS - 1);
    for (let frame = 5; frame < (journal.length - 32) / FRAME; frame += 1) {
      const content = 32 + frame * FRAME + 24;
      expect(check.mended.subarray(content, content + PAGE_SIZE)).toEqual(
        journal.subarray(content, content + PAGE_SIZE),
      );
    }
  }
});
