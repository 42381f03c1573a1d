import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSystemClock } from "../../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../../gateway/store/outbox.ts";
import { isHubError } from "../../../protocol/errors.ts";
import { type Cut, cutsOf } from "../../power-cut/cuts.ts";
import { onDisk } from "../../power-cut/on-disk.ts";
import { record } from "../../power-cut/record.ts";
import { sampleReading } from "../../support/sample-reading.ts";
import { silentLogger } from "../../support/test-loggers.ts";
import { ANNA, BERIT, COMMAND, openControlled } from "./control.ts";

const workload = fileURLToPath(new URL("../control-workload.ts", import.meta.url));
const STORED = 12;
export type Work = "reassign" | "wipe" | "both";

/** How many readings of before the command a thief of the folder can read; null where it cannot be opened. */
const readable = async (folder: string): Promise<number | null> => {
  const copy = `${folder}.copy`;
  await cp(folder, copy, { recursive: true });
  try {
    await using outbox = await openSqliteOutbox({ directory: copy, clock: createSystemClock(), logger: silentLogger });
    return (await outbox.next(0, 100)).filter(({ idem }) => idem !== sampleReading(900).idem).length;
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    return null;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
};

const findings = (cut: Cut, work: Work): Promise<readonly string[]> =>
  onDisk(cut, async (place) => {
    const wrong: string[] = [];
    const said = (line: string): boolean => cut.acknowledged.some((one) => one.startsWith(line));
    const data = join(place, "data");
    await mkdir(join(data, "outbox"), { recursive: true });
    const stored = said("stored") ? STORED : 0;
    const erases = work !== "reassign";
    if (said("stored")) {
      const found = (await readable(join(data, "outbox"))) ?? 0;
      if (found !== 0 && found !== STORED) wrong.push(`${found} of ${STORED} readings are readable`);
      if (found === 0 && !(erases && said("begins"))) wrong.push("readings are gone without a command");
      if (found !== 0 && erases && said("done")) wrong.push(`${found} readings are readable after the erase`);
    }

    const { control, open } = await openControlled(data);
    const { outbox, config } = await control.prepare(open);
    await using _closed = outbox;
    const entry = control.journal.find(COMMAND);
    if (said("accepted") && entry?.progress !== "done") wrong.push(`the command is ${entry?.progress ?? "forgotten"}`);
    const isDone = entry?.progress === "done";
    const assignment = isDone && work !== "wipe" ? BERIT : ANNA;
    if (config.hub.assignment !== assignment) wrong.push(`readings would be of ${config.hub.assignment}`);
    const again = said("again") ? 1 : 0;
    const expected = isDone && erases ? again : stored + again;
    const { waiting } = outbox.depth();
    if (said("stored") && (waiting < expected || waiting > expected + 1))
      wrong.push(`${waiting} wait, not ${expected}`);
    const epochs = control.assignments.ledger.epochs.filter(({ series }) => series === outbox.series);
    for (const { seq, assignment: owner } of await outbox.next(0, 100)) {
      const epoch = epochs.findLast(({ since }) => since <= seq);
      if (epoch !== undefined && epoch.to !== owner)
        wrong.push(`number ${seq} of ${owner} is in an epoch of ${epoch.to}`);
    }
    const erased = control.journal.state.erased;
    if (isDone && erases && (erased?.lastSeq !== STORED || erased.waiting !== STORED || erased.key !== "destroyed")) {
      wrong.push(`the proof says ${JSON.stringify(erased)}`);
    }
    if (isDone && erases && erased?.series === outbox.series) wrong.push("the numbers go on in the same series");
    return wrong;
  });

/** What is wrong after a cut of the power at one of `positions` moments spread over the work (0: at every operation). */
export const reportControlCuts = async (
  work: Work,
  positions: number,
): Promise<{ readonly cuts: number; readonly wrong: readonly string[] }> => {
  const recording = await record(workload, (root, acks) => [join(root, "data"), acks, work]);
  const every = positions === 0 ? 1 : Math.max(1, Math.floor(recording.operations.length / positions));
  let cuts = 0;
  const wrong: string[] = [];
  for (const cut of cutsOf(recording, { every, seed: 1 })) {
    cuts += 1;
    const found = await findings(cut, work).catch((thrown: unknown) => [String(thrown)]);
    wrong.push(...found.map((one) => `after ${cut.after} operations, ${cut.loss}: ${one}`));
  }
  return { cuts, wrong };
};
