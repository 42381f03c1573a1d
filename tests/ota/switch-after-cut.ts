import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ImageHash, MOST_TRIES } from "../../ota/slots/slots.ts";
import { type Cut, cutsOf } from "../power-cut/cuts.ts";
import { onDisk } from "../power-cut/on-disk.ts";
import { type Recording, record } from "../power-cut/record.ts";
import { addUnpacked, launch, writeRelease } from "./launcher.ts";

/** Releases in a folder that outlives the cuts: what is tried is the switching between them. */
export interface SwitchBench extends AsyncDisposable {
  readonly place: string;
  readonly releases: readonly ImageHash[];
}

export const createSwitchBench = async (): Promise<SwitchBench> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-switch-"));
  await mkdir(join(place, "images"));
  await writeRelease(join(place, "base"), "base");
  const releases: ImageHash[] = [];
  for (const name of ["a", "b", "c", "d"]) releases.push(await addUnpacked(join(place, "images"), name));
  return { place, releases, [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }) };
};

export const recordSwitches = ({ place, releases }: SwitchBench): Promise<Recording> =>
  record(fileURLToPath(new URL("switch-workload.ts", import.meta.url)), (home, acks) => [
    home,
    acks,
    place,
    ...releases,
  ]);

/** What may run after a cut: what was in force before the step that was cut, or what it was about to try. */
interface Expected {
  inForce: string;
  trying: string | null;
  readonly gone: Set<string>;
  readonly tries: Map<string, number>;
}

const expectedOf = (acknowledged: readonly string[]): Expected => {
  const expected: Expected = { inForce: "base", trying: null, gone: new Set(), tries: new Map() };
  for (const line of acknowledged) {
    const [what, release = ""] = line.split(" ");
    if (what === "to") expected.trying = release;
    if (what === "started") expected.tries.set(release, (expected.tries.get(release) ?? 0) + 1);
    if (what === "gone") {
      expected.gone.add(release);
      expected.trying = null;
    }
    if (what === "is") {
      expected.inForce = release;
      expected.trying = null;
    }
  }
  return expected;
};

/** Start again until the hub has settled, as a supervisor would, and say what is wrong as sentences. */
const findingsAfter = (cut: Cut, { place }: SwitchBench): Promise<readonly string[]> =>
  onDisk({ ...cut, files: new Map([...cut.files].map(([path, content]) => [`home/${path}`, content])) }, async (at) => {
    const home = join(at, "home");
    await mkdir(home, { recursive: true });
    await symlink(join(place, "images"), join(home, "images"));
    const { inForce, trying, gone, tries } = expectedOf(cut.acknowledged);
    const wrong: string[] = [];
    let last = "";
    for (let n = 0; n <= MOST_TRIES; n++) {
      const launched = await launch(home, { base: join(place, "base"), run: join(at, "run") });
      if (launched.tag === "failed") return [...wrong, `does not start: ${launched.said}`];
      const { release, slot, reason } = launched.started;
      if (release !== inForce && release !== trying) wrong.push(`starts ${release}, neither ${inForce} nor ${trying}`);
      if (gone.has(release)) wrong.push(`starts ${release}, which was taken back`);
      if (slot === "rescue" || reason !== "") wrong.push(`found damage: ${reason}`);
      if (slot === "trial") tries.set(release, (tries.get(release) ?? 0) + 1);
      if (slot === "trial" && (tries.get(release) ?? 0) > MOST_TRIES) wrong.push(`tries ${release} once more`);
      last = slot;
    }
    if (last === "trial") wrong.push("a trial that is never over");
    return wrong;
  });

export interface SwitchCutReport {
  cuts: number;
  /** What was found, each with the cut that it was found after; empty is as it should be. */
  readonly wrong: string[];
}

export const reportSwitchCuts = async (recording: Recording, bench: SwitchBench): Promise<SwitchCutReport> => {
  const report: SwitchCutReport = { cuts: 0, wrong: [] };
  for (const cut of cutsOf(recording, { every: 1, seed: 1 })) {
    report.cuts += 1;
    for (const finding of await findingsAfter(cut, bench)) {
      report.wrong.push(`after ${cut.after} operations, ${cut.loss}: ${finding}`);
    }
  }
  return report;
};
