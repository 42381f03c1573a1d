import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { closeQuietly, openDatabaseFile } from "../../gateway/store/database-file.ts";
import { type Migration, migrations } from "../../gateway/store/schema.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { isHubError } from "../../protocol/errors.ts";
import { type Cut, cutsOf } from "./cuts.ts";
import { LATER } from "./later-migration.ts";
import { onDisk } from "./on-disk.ts";
import { type CutReport, reportCuts } from "./outbox-check.ts";
import { record } from "./record.ts";

const workload = fileURLToPath(new URL("migration-workload.ts", import.meta.url));

const OUTBOX = "outbox";

const tryRelease = async (database: string, steps: readonly Migration[]): Promise<"opened" | "refused"> => {
  try {
    await closeQuietly(await openDatabaseFile(database, openDatabase, steps));
    return "opened";
  } catch (thrown) {
    if (isHubError(thrown, "invalid-config")) return "refused";
    throw thrown;
  }
};

/** The release before goes on with the file, or refuses it with a sentence and leaves it as it is; the later one opens it. */
const findingsOfReleases = (cut: Cut): Promise<readonly string[]> =>
  onDisk(cut, async (place) => {
    const database = join(place, OUTBOX, "outbox.db");
    const journal = async (): Promise<Buffer> => readFile(`${database}-wal`).catch(() => Buffer.alloc(0));
    const before = [await readFile(database).catch(() => Buffer.alloc(0)), await journal()];
    if ((before[0]?.length ?? 0) === 0) return [];
    const wrong: string[] = [];
    const old = await tryRelease(database, migrations.slice(0, 1));
    if (old === "refused" && before[1]?.length === 0 && !before[0]?.equals(await readFile(database))) {
      wrong.push("the first release refused the file, and changed it");
    }
    if ((await tryRelease(database, [...migrations, LATER])) !== "opened") wrong.push("a later release refuses it");
    return wrong;
  });

export interface MigrationCutReport extends CutReport {
  /** Cuts after which the first release could go on, and those after which it refused. */
  readonly releases: number;
}

/** Cut the power at every `every`th operation of two updates of the file, and hold the outbox to what it promised. */
export const reportMigrationCuts = async (every: number): Promise<MigrationCutReport> => {
  const recording = await record(workload, (root, acks) => [join(root, OUTBOX), acks]);
  const begun = (cut: Cut): boolean => cut.acknowledged.length > 0;
  const report = await reportCuts(cutsOf(recording, { every, seed: 1 }).filter(begun), OUTBOX);
  let releases = 0;
  for (const cut of cutsOf(recording, { every, seed: 1 }).filter(begun)) {
    releases += 1;
    for (const finding of await findingsOfReleases(cut).catch((thrown: unknown) => [String(thrown)])) {
      report.wrong.push(`after ${cut.after} operations, ${cut.loss}: ${finding}`);
    }
  }
  return { ...report, releases };
};
