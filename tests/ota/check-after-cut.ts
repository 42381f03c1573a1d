import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { downloadTarget } from "../../ota/download/downloader.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { openMetadataStore } from "../../ota/trust/metadata-store.ts";
import { openTrustedUpdate } from "../../ota/trust/trusted-update.ts";
import { isHubError } from "../../protocol/errors.ts";
import { epochMs } from "../../protocol/time.ts";
import { type Cut, cutsOf } from "../power-cut/cuts.ts";
import { onDisk } from "../power-cut/on-disk.ts";
import { type Recording, record } from "../power-cut/record.ts";
import { createMemorySource } from "./memory-source.ts";
import { createTestRepository } from "./repository.ts";

const PATH = "catalogue/release";
const { signal } = new AbortController();
const clock = createSystemClock();
const files = createDiskFiles();

/** The repository at one time, and the content of its target then. */
export type State = { readonly files: ReadonlyMap<string, Buffer>; readonly content: Buffer };

/** A region's repository as it was five times: new releases, and between them new keys of root, and of all that is online. */
export const statesOfRegion = (): readonly State[] => {
  const region = createTestRepository();
  region.delegate("catalogue", ["catalogue/*"]);
  const stateWith = (seed: number): State => {
    const content = Buffer.concat(
      Array.from({ length: 60 }, (_, i) => createHash("sha256").update(`${seed}.${i}`).digest()),
    );
    region.addDelegatedTarget("catalogue", PATH, content);
    region.publish();
    return { files: new Map(region.files), content };
  };
  const states = [stateWith(1), stateWith(2)];
  const rootKeys = region.roles.root.keys;
  region.rotate("root");
  region.publishRoot([...rootKeys, ...region.roles.root.keys]);
  states.push(stateWith(3));
  region.rotate("timestamp");
  region.rotate("snapshot");
  region.publishRoot();
  states.push(stateWith(4), stateWith(5));
  return states;
};

const acknowledged = ({ acknowledged: lines }: Cut, what: string): number =>
  Math.max(-1, ...lines.filter((line) => line.startsWith(what)).map((line) => Number(line.split(" ")[1])));

const lookAt = async (place: string, shippedRoot: Buffer, state: State, step: "check" | "download"): Promise<void> => {
  const store = openMetadataStore({ files, directory: join(place, "disk", "metadata"), shippedRoot });
  const source = createMemorySource({ files: new Map(state.files) });
  await using update = await openTrustedUpdate({ store, source, clock, builtAt: epochMs(0) }, signal);
  await update.refresh();
  const target = await update.target(PATH);
  if (step === "check") return;
  const where = { directory: join(place, "disk", "images"), name: "release", alsoNeededBytes: 0 };
  await downloadTarget({ files, source, clock, budget: unlimitedBudget, target, ...where }, signal);
};

const imageIn = (at: string): Promise<Buffer> => readFile(join(at, "disk", "images", "release"));

/** Record the checks and downloads of all states, one after the other. */
export const recordChecks = async (states: readonly State[]): Promise<Recording> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-ota-cut-"));
  try {
    for (const [n, state] of states.entries()) {
      for (const [path, content] of state.files) {
        const file = join(place, String(n), path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
    }
    const workload = fileURLToPath(new URL("check-workload.ts", import.meta.url));
    return await record(workload, (root, acks) => [root, acks, place]);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

/** What is wrong after a cut, as sentences. */
const findingsAfter = (cut: Cut, states: readonly State[]): Promise<readonly string[]> =>
  onDisk({ ...cut, files: new Map([...cut.files].map(([path, content]) => [`disk/${path}`, content])) }, async (at) => {
    const shippedRoot = states[0]?.files.get("metadata/1.root.json") ?? Buffer.alloc(0);
    const wrong: string[] = [];
    const checked = acknowledged(cut, "checked");
    const downloaded = acknowledged(cut, "downloaded");
    if (downloaded >= 0) {
      const image = await imageIn(at).catch(() => Buffer.alloc(0));
      const isOneOf = states.slice(downloaded).some(({ content }) => content.equals(image));
      if (!isOneOf) wrong.push(`release ${downloaded} was downloaded, and neither it nor a later one is there`);
    }
    const older = states[checked - 1];
    if (older !== undefined) {
      const refusal = await lookAt(at, shippedRoot, older, "check").catch((thrown: unknown) => thrown);
      // After a change of the online keys, what they signed before does not even verify.
      const isRefused = isHubError(refusal, "update-rolled-back") || isHubError(refusal, "update-untrusted");
      if (!isRefused) wrong.push(`state ${checked} was checked, and the one before was then taken: ${String(refusal)}`);
    }
    const newest = states.at(-1);
    if (newest === undefined) return wrong;
    await lookAt(at, shippedRoot, newest, "download").catch((thrown: unknown) => {
      wrong.push(`is stuck: ${String(thrown)}`);
    });
    if (!newest.content.equals(await imageIn(at).catch(() => Buffer.alloc(0)))) wrong.push("the newest is not there");
    return wrong;
  });

export interface CheckCutReport {
  cuts: number;
  /** What was found, each with the cut that it was found after; empty is as it should be. */
  readonly wrong: string[];
}

/** Hold the hub to what it may promise after each `every`th cut of a recording. */
export const reportCheckCuts = async (
  recording: Recording,
  states: readonly State[],
  every: number,
): Promise<CheckCutReport> => {
  const report: CheckCutReport = { cuts: 0, wrong: [] };
  for (const cut of cutsOf(recording, { every, seed: 1 })) {
    report.cuts += 1;
    for (const finding of await findingsAfter(cut, states)) {
      report.wrong.push(`after ${cut.after} operations, ${cut.loss}: ${finding}`);
    }
  }
  return report;
};
