import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { requirement, titled } from "../support/requirements.ts";
import { cutsOf } from "./cuts.ts";
import { onDisk } from "./on-disk.ts";
import { reportCuts } from "./outbox-check.ts";
import { record } from "./record.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const cc = requirement("cc");

/** Prime, so that over the recording every kind of operation is met; all of them are in outbox.faults.ts. */
const EVERY = 7;

describe.skipIf(!cc.available)(titled("F01, F02: when the power is cut", cc), () => {
  it("the outbox has every reading that it acknowledged, unaltered and once, whatever the disk kept of the rest", async () => {
    const recording = await record(here("outbox-workload.ts"), (root, acks) => [join(root, "outbox"), acks, "2"]);
    const report = await reportCuts(cutsOf(recording, { every: EVERY, seed: 1 }), "outbox");
    expect(report.wrong).toEqual([]);
    expect(report).toMatchObject({ lost: 0, altered: 0, twice: 0 });
    expect(report.cuts).toBeGreaterThan(100);
    expect(report.promised).toBeGreaterThan(1000);
  }, 120_000);

  it("a store that acknowledges before its disk has it is caught", async () => {
    const recording = await record(here("careless-workload.ts"), (root, acks) => [join(root, "store"), acks]);
    let lost = 0;
    for (const cut of cutsOf(recording, { every: 5, seed: 1 })) {
      const kept = await onDisk(cut, async (place) => {
        if (!cut.files.has("store/careless.db")) return 0;
        await using database = await openDatabase(join(place, "store", "careless.db"));
        const [row] = await database.query("SELECT count(*) AS n FROM kept").catch(() => []);
        return Number(row?.n ?? 0);
      });
      lost += Math.max(0, cut.acknowledged.length - kept);
    }
    expect(lost).toBeGreaterThan(100);
  }, 60_000);
});
