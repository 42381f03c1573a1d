import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Reason } from "../update/update-state.ts";
import type { RaucRecord, RecordFile } from "./rauc-record.ts";
import { pairOf, type RaucSlot } from "./rauc-slots.ts";
import { isOvertaken } from "./slot-content.ts";

/** What the first look after a start needs. */
export interface Start {
  readonly slots: readonly RaucSlot[];
  /** Of this run of the machine. */
  readonly bootId: string;
  readonly memory: RecordFile;
  readonly mark: (state: "good", slot: string) => Promise<void>;
}

/** What it found. */
export interface Begun {
  readonly damaged: boolean;
  /** RAUC's word where what is in force could not be marked good; null where it was, or where it is on trial. */
  readonly unmarked: string | null;
}

/** The boot loader ended the trial of this bundle. */
const givenUp = (starts: number): Reason => ({
  code: "tries",
  sentence:
    starts === 0
      ? "update: the release on trial was taken back by the boot loader: it never came as far as the hub"
      : `update: the release on trial was taken back by the boot loader: it was started ${starts} time${starts === 1 ? "" : "s"} and never proved itself`,
});

const starting = (record: RaucRecord, booted: string, isTrial: boolean, bootId: string): RaucRecord => {
  const { trial } = record;
  if (!isTrial) {
    // Activated in this very run of the machine: it is tried at the next.
    if (trial === null || trial.since === bootId) return record;
    if (trial.slot === booted) return { ...record, trial: null };
    const why = record.lastFailed?.image === trial.image ? record.lastFailed.why : givenUp(trial.starts);
    return { ...record, trial: null, lastFailed: { image: trial.image, why } };
  }
  const image = record.bundles[booted]?.image;
  if (image === undefined) return record;
  const counted = trial?.slot === booted ? trial : { image, slot: booted, since: "", starts: 0, last: null };
  return counted.last === bootId
    ? record
    : { ...record, trial: { ...counted, starts: counted.starts + 1, last: bootId } };
};

/**
 * Once in each process: count the run of the machine as a try of what is on trial, or find out that the boot loader gave it
 * up. What is in force is marked good: a boot loader that counts would give it up after a few starts. Durable when it
 * resolves.
 */
export const begin = async ({ slots, bootId, memory, mark }: Start): Promise<Begun> => {
  const { record, damaged } = await memory.load();
  const { booted } = pairOf(slots);
  const bundle = record.bundles[booted.name];
  const isTrial = bundle !== undefined && !isOvertaken(bundle, slots) && !bundle.isGood;
  const after = starting(record, booted.name, isTrial, bootId);
  if (after !== record) await memory.save(after);
  // With the record lost this may be a trial: the boot loader then ends it, and the release before is started.
  if (isTrial || damaged) return { damaged, unmarked: null };
  try {
    await mark("good", booted.name);
    return { damaged, unmarked: null };
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    return { damaged, unmarked: messageOf(thrown) };
  }
};

/** What a person should know of this start. */
export const troubleOf = (
  { damaged, unmarked }: Begun,
  { inForce }: RaucRecord,
  booted: string,
  isTrial: boolean,
): Reason | null => {
  if (damaged) {
    const sentence = "update: the record of what lies in RAUC's slots is damaged; it is made anew by the next update";
    return { code: "garbage", sentence };
  }
  if (unmarked !== null) return { code: "unknown", sentence: unmarked };
  if (isTrial || inForce === null || inForce === booted) return null;
  const sentence = `update: the boot loader has started slot ${booted}, and the release in slot ${inForce} is in force; look at \`rauc status\` and the machine's log`;
  return { code: "unknown", sentence };
};
