import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { cutsOf } from "./cuts.ts";
import { onDisk } from "./on-disk.ts";
import type { Recording } from "./record.ts";

export interface HubCutReport {
  cuts: number;
  /** Readings that the hub said it had stored, summed over the cuts. */
  promised: number;
  lost: number;
  altered: number;
  /** What was found, each with the cut that it was found after; empty is as it should be. */
  readonly wrong: string[];
}

/** Numbers that the hub's log called stored; a line that two writes share is left out. */
const storedIn = (lines: readonly string[]): ReadonlySet<number> =>
  new Set(
    lines.flatMap((line) => {
      try {
        const { msg, seq } = JSON.parse(line) as { msg?: unknown; seq?: unknown };
        return msg === "reading stored" && typeof seq === "number" ? [seq] : [];
      } catch {
        return [];
      }
    }),
  );

/** JSON by number. */
const waitingIn = async (place: string, wrong: string[]): Promise<ReadonlyMap<number, string>> => {
  const directory = join(place, "outbox");
  await using outbox = await openSqliteOutbox({ directory, clock: createSimulatedClock(), logger: silentLogger });
  if (outbox.recovered !== null) wrong.push(`took the disk for damaged: ${outbox.recovered.sentence}`);
  const readings = await outbox.next(0, 100_000);
  return new Map(readings.map((reading) => [reading.seq as number, JSON.stringify(reading)]));
};

/** Counts the starts of one boot (gateway/health/start-counter.ts): after a cut of the power it is begun anew anyway. */
const OF_ONE_BOOT = "starts.json";

/** The files beside the outbox are whole, whichever version of them is there. */
const damagedFiles = async (place: string): Promise<readonly string[]> => {
  const names = (await readdir(place)).filter((name) => name.endsWith(".json") && name !== OF_ONE_BOOT);
  const damaged: string[] = [];
  for (const name of names) {
    try {
      JSON.parse(await readFile(join(place, name), "utf8"));
    } catch (thrown) {
      damaged.push(`${name} is damaged: ${String(thrown)}`);
    }
  }
  return damaged;
};

/** Hold a hub to its log after a cut at every `every`th operation on its data folder, in all loss models. */
export const reportHubCuts = async (recording: Recording, every: number): Promise<HubCutReport> => {
  const report: HubCutReport = { cuts: 0, promised: 0, lost: 0, altered: 0, wrong: [] };
  const versions = new Map<number, string>();
  for (const cut of cutsOf(recording, { every, seed: 1 })) {
    const wrong: string[] = [];
    const promised = storedIn(cut.acknowledged);
    const waiting = await onDisk(cut, async (place) => {
      wrong.push(...(await damagedFiles(place)));
      return waitingIn(place, wrong);
    }).catch((thrown: unknown) => {
      wrong.push(`does not open: ${String(thrown)}`);
      return new Map<number, string>();
    });
    const lost = [...promised].filter((seq) => !waiting.has(seq));
    // A number that nobody was told of may be given again after the cut; one that was promised never changes.
    const altered = [...promised].filter(
      (seq) => waiting.has(seq) && (versions.get(seq) ?? waiting.get(seq)) !== waiting.get(seq),
    );
    for (const seq of promised) if (!versions.has(seq)) versions.set(seq, waiting.get(seq) ?? "");
    report.cuts += 1;
    report.promised += promised.size;
    report.lost += lost.length;
    report.altered += altered.length;
    if (lost.length > 0) wrong.push(`lost ${lost.join(" ")}`);
    if (altered.length > 0) wrong.push(`altered ${altered.join(" ")}`);
    report.wrong.push(...wrong.map((finding) => `after ${cut.after} operations, ${cut.loss}: ${finding}`));
  }
  return report;
};
