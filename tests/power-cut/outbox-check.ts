import { join } from "node:path";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { Reading } from "../../protocol/reading.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import type { Cut } from "./cuts.ts";
import { onDisk } from "./on-disk.ts";

/** What was promised before the cut (see outbox-workload.ts). */
export interface Promises {
  /** Counter of the sample reading by its sequence number. */
  readonly stored: ReadonlyMap<number, number>;
  /** May be gone: its settlement had begun. */
  readonly mayGo: number;
  readonly mayBeRefused: ReadonlySet<number>;
  readonly counter: number;
  readonly captures: number;
}

export const promisesOf = (lines: readonly string[]): Promises => {
  const stored = new Map<number, number>();
  const mayBeRefused = new Set<number>();
  let [mayGo, counter, captures] = [0, 0, 0];
  for (const line of lines) {
    const [what, first = "0", second = "0"] = line.split(" ");
    if (what === "stored") stored.set(Number(first), Number(second));
    if (what === "settling") mayGo = Math.max(mayGo, Number(first));
    if (what === "refusing") mayBeRefused.add(Number(first));
    if (what === "counter") counter = Number(first);
    if (what === "captured") captures = Number(first);
  }
  return { stored, mayGo, mayBeRefused, counter, captures };
};

/** What is wrong after one cut; all empty and 0 is as it should be. */
export interface Findings {
  readonly lost: readonly number[];
  readonly altered: readonly number[];
  /** Stored again as another reading when the sensor sends it again. */
  readonly twice: readonly number[];
  /** Other broken promises, as sentences. */
  readonly broken: readonly string[];
}

const waitingIn = async (outbox: SqliteOutbox): Promise<readonly Reading[]> => outbox.next(0, 10_000);

/** Hold an outbox that was opened after the cut to what was promised; readings are appended to it. */
export const examine = async (outbox: SqliteOutbox, promises: Promises, mayRecover: boolean): Promise<Findings> => {
  const { stored, mayGo, mayBeRefused, counter, captures } = promises;
  const waiting = new Map((await waitingIn(outbox)).map((reading) => [reading.seq as number, reading]));
  const refused = new Set((await outbox.refused(10_000)).map(({ reading }) => reading.seq as number));
  const lost: number[] = [];
  const altered: number[] = [];
  const broken: string[] = [];
  for (const [seq, sample] of stored) {
    const reading = waiting.get(seq);
    if (reading === undefined) {
      const isExcused = seq <= mayGo || (refused.has(seq) && mayBeRefused.has(seq));
      if (!isExcused) lost.push(seq);
    } else if (JSON.stringify(reading) !== JSON.stringify({ ...sampleReading(sample), seq })) altered.push(seq);
  }
  if (outbox.recovered !== null && !mayRecover) broken.push(`took the disk for damaged: ${outbox.recovered.sentence}`);
  if ((await outbox.unreadable(10_000)).length < captures) broken.push("a capture is gone");
  if ((await outbox.nextCounter()) <= counter) broken.push("a counter was handed out twice");
  // The sensors send again what they sent: nothing of it may become another reading.
  const twice: number[] = [];
  const again = await outbox.append([...stored.values()].map((n) => sampleReading(n)));
  for (const [i, seq] of [...stored.keys()].entries()) if (again[i]?.seq !== seq) twice.push(seq);
  const [fresh] = await outbox.append([sampleReading(1_000_000)]);
  if (fresh === undefined || stored.has(fresh.seq)) broken.push("a number was given twice");
  return { lost, altered, twice, broken };
};

/** Start the outbox on the disk that the cut left, and hold it to what was promised before. */
export const checkOutboxAfter = (cut: Cut, directory: string, mayRecover: boolean): Promise<Findings> =>
  onDisk(cut, async (place) => {
    const options = { directory: join(place, directory), clock: createSimulatedClock(), logger: silentLogger };
    try {
      await using outbox = await openSqliteOutbox(options);
      return await examine(outbox, promisesOf(cut.acknowledged), mayRecover);
    } catch (thrown) {
      return { lost: [], altered: [], twice: [], broken: [`does not open: ${String(thrown)}`] };
    }
  });

/** How often each kind of finding was made; what is wrong comes with the cut it was found after. */
export interface CutReport {
  cuts: number;
  /** Readings promised as durable, summed over the cuts. */
  promised: number;
  lost: number;
  altered: number;
  twice: number;
  readonly wrong: string[];
}

/** Check every cut of a recording. `mayRecover`: the disk was damaged before, and the outbox may say so. */
export const reportCuts = async (
  cuts: Iterable<Cut>,
  directory: string,
  { mayRecover = false }: { readonly mayRecover?: boolean } = {},
): Promise<CutReport> => {
  const report: CutReport = { cuts: 0, promised: 0, lost: 0, altered: 0, twice: 0, wrong: [] };
  for (const cut of cuts) {
    const { lost, altered, twice, broken } = await checkOutboxAfter(cut, directory, mayRecover);
    report.cuts += 1;
    report.promised += cut.acknowledged.filter((line) => line.startsWith("stored ")).length;
    report.lost += lost.length;
    report.altered += altered.length;
    report.twice += twice.length;
    const found = [
      ...(lost.length > 0 ? [`lost ${lost.join(" ")}`] : []),
      ...(altered.length > 0 ? [`altered ${altered.join(" ")}`] : []),
      ...(twice.length > 0 ? [`twice ${twice.join(" ")}`] : []),
      ...broken,
    ];
    if (found.length > 0) report.wrong.push(`after ${cut.after} operations, ${cut.loss}: ${found.join("; ")}`);
  }
  return report;
};
