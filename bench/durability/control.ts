import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import type { Cut } from "../../tests/power-cut/cuts.ts";
import { record } from "../../tests/power-cut/record.ts";
import type { Aftermath } from "./after-fault.ts";
import { runCuts } from "./cut-run.ts";
import type { FaultSuite } from "./suite.ts";

const CARELESS = fileURLToPath(new URL("../../tests/power-cut/careless-workload.ts", import.meta.url));

/** Rows of the careless store that are left; none where it does not open. */
const keptOf = async (file: string): Promise<number> => {
  if (!existsSync(file)) return 0;
  await using database = await openDatabase(file);
  // A damaged database has nothing to count: all of it is lost.
  const [row] = await database.query("SELECT count(*) AS n FROM kept").catch(() => []);
  return Number(row?.n ?? 0);
};

const check = async (cut: Cut, place: string): Promise<Aftermath> => {
  const startedAt = performance.now();
  const kept = await keptOf(join(place, "store", "careless.db"));
  const recoveryMs = performance.now() - startedAt;
  const taken = cut.acknowledged.length;
  return {
    taken,
    lost: Math.max(0, taken - kept),
    altered: 0,
    doubled: 0,
    sentAgain: 0,
    broken: [],
    falseAlarm: false,
    recoveryMs,
  };
};

/** A store that acknowledges before its disk has it: what the same cuts and the same counting find there. */
export const carelessStore: FaultSuite = {
  fault: "control",
  name: "a careless store under the same cuts",
  about:
    "The same recorder, loss models and counting over a store that is set up as many are: SQLite with synchronous=NORMAL, " +
    "which acknowledges before the disk has it. It must lose readings, or this instrument is blind.",
  injects: "cut",
  quick: { atLeast: 30, share: 1 },
  full: { atLeast: 100 },
  run: async (request, signal) => {
    const recording = await record(CARELESS, (root, acks) => [join(root, "store"), acks]);
    return runCuts(recording, check, request, signal);
  },
};
