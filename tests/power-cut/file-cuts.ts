import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundledScript } from "../support/bundled.ts";
import { type Cut, cutsOf } from "./cuts.ts";
import type { DurableSubject } from "./durable-subjects.ts";
import { onDisk } from "./on-disk.ts";
import { record } from "./record.ts";

const workload = fileURLToPath(new URL("subject-workload.ts", import.meta.url));

export interface FileCutReport {
  cuts: number;
  /** What was found, each with the cut that it was found after; empty is as it should be. */
  readonly wrong: string[];
}

const newestOf = ({ acknowledged }: Cut, what: string): number =>
  Math.max(0, ...acknowledged.filter((line) => line.startsWith(what)).map((line) => Number(line.split(" ")[1])));

/** What is wrong after one cut: the version is not one that may be there, or the file is damaged, or stuck. */
const findingsAfter = (cut: Cut, folder: string, subject: DurableSubject): Promise<readonly string[]> =>
  onDisk(cut, async (place) => {
    const wrong: string[] = [];
    const directory = join(place, folder);
    await mkdir(directory, { recursive: true });
    const [least, most] = [newestOf(cut, "wrote "), newestOf(cut, "begins ")];
    const kept = await subject.open(directory, (sentence) => wrong.push(sentence));
    const version = kept.version();
    if (version < least || version > most) wrong.push(`version ${version} instead of ${least} to ${most}`);
    await kept.write(version + 1);
    const again = await subject.open(directory, (sentence) => wrong.push(sentence));
    if (again.version() !== version + 1) wrong.push(`stuck at version ${again.version()}`);
    return wrong;
  });

/**
 * Record a process that writes the file version by version, and hold what is there after a cut at every `every`th of
 * its operations, in all loss models, to this: it is the last version that was acknowledged, or one that was being
 * written then; never damage, and it can be written again.
 */
export const reportFileCuts = async (subject: DurableSubject, every: number): Promise<FileCutReport> => {
  await using program = await bundledScript(workload);
  const recording = await record(program.file, (root, acks) => [subject.name, join(root, "data"), acks]);
  const report: FileCutReport = { cuts: 0, wrong: [] };
  for (const cut of cutsOf(recording, { every, seed: 1 })) {
    report.cuts += 1;
    for (const finding of await findingsAfter(cut, "data", subject).catch((thrown: unknown) => [String(thrown)])) {
      report.wrong.push(`after ${cut.after} operations, ${cut.loss}: ${finding}`);
    }
  }
  return report;
};
