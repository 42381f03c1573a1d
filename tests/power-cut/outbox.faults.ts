import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { type Cut, cutsOf } from "./cuts.ts";
import { type CutReport, reportCuts } from "./outbox-check.ts";
import { type Recording, record } from "./record.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const cc = requirement("cc");
const ALL = { every: 1, seed: 1 };

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-faults-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const work = (rounds: number): Promise<Recording> =>
  record(here("outbox-workload.ts"), (root, acks) => [join(root, "outbox"), acks, String(rounds)]);

/** Record a start on the files of a cut, changed by `spoil`. */
const restart = async (
  cut: Cut,
  spoil: (name: string, content: Buffer) => Buffer = (_, c) => c,
): Promise<Recording> => {
  const [from, promises] = [join(place, "from"), join(place, "promises")];
  await mkdir(from);
  for (const [path, content] of cut.files) {
    const name = basename(path);
    await writeFile(join(from, name), spoil(name, Buffer.from(content)));
  }
  await writeFile(promises, cut.acknowledged.map((line) => `${line}\n`).join(""));
  return record(here("restart-workload.ts"), (root, acks) => [join(root, "outbox"), acks, from, promises]);
};

/** The restart begins with the promises; before them its disk is only being made. */
const afterCopying = (recording: Recording): Iterable<Cut> =>
  cutsOf(recording, ALL).filter((cut) => cut.acknowledged.length > 0);

const lastCut = (recording: Recording, wanted: (cut: Cut) => boolean): Cut => {
  const found = [...cutsOf(recording, { every: 3, seed: 1 })].findLast(wanted);
  if (found === undefined) throw new Error("no such cut in the recording");
  return found;
};

const sizeOf = (cut: Cut, path: string): number => cut.files.get(path)?.length ?? 0;

const nothingWrong = (report: CutReport, atLeast: number): void => {
  expect(report.wrong).toEqual([]);
  expect(report).toMatchObject({ lost: 0, altered: 0, twice: 0 });
  expect(report.cuts).toBeGreaterThan(atLeast);
};

describe.skipIf(!cc.available)(titled("F01, F02: when the power is cut at any operation on the disk", cc), () => {
  it("the outbox keeps what it acknowledged, over more than 3 000 different disks", async () => {
    nothingWrong(await reportCuts(cutsOf(await work(9), ALL), "outbox"), 3000);
  });

  it("a start after a cut may be cut in turn", async () => {
    const recording = await work(2);
    const hot = lastCut(recording, (cut) => cut.loss === "some-lost" && sizeOf(cut, "outbox/outbox.db-wal") > 40_000);
    nothingWrong(await reportCuts(afterCopying(await restart(hot)), "outbox"), 20);
  });

  it("the salvage of a damaged database may be cut, and loses nothing that it can save", async () => {
    const recording = await work(2);
    const whole = lastCut(recording, (cut) => cut.loss === "all-kept" && sizeOf(cut, "outbox/outbox.db-wal") === 0);
    const beheaded = await restart(whole, (name, content) =>
      name === "outbox.db" ? Buffer.concat([Buffer.alloc(100), content.subarray(100)]) : content,
    );
    const report = await reportCuts(afterCopying(beheaded), "outbox", { mayRecover: true });
    nothingWrong(report, 100);
  });
});
