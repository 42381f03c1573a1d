import { readFile } from "node:fs/promises";
import { HubError, type HubErrorCode, messageOf } from "../../protocol/errors.ts";
import { replaceDurably } from "./durable-file.ts";

/** Numbers that may have been given. Kept outside the database, so that losing the database never gives one twice. */
export interface NumberFloor {
  readonly seq: number;
  readonly counter: number;
  /** The series that the numbers are of (Outbox.series) as a number; 0 where a release before it wrote the file. */
  readonly series: number;
}

/**
 * Reserved at a time: the floor is written once in this many numbers (a week at one reading a minute), and at most
 * this many numbers are skipped when the database was lost.
 */
export const FLOOR_BLOCK = 10_000;

const codeOfErrno: ReadonlyMap<string, HubErrorCode> = new Map([
  ["ENOSPC", "outbox-disk-full"],
  ["EDQUOT", "outbox-disk-full"],
  ["EROFS", "outbox-read-only"],
  ["EACCES", "outbox-read-only"],
  ["EPERM", "outbox-read-only"],
  ["ENOTDIR", "outbox-read-only"],
]);

/** A failure of node:fs as the outbox reports it; what is not a full or read-only disk is a disk not to be trusted. */
export const fileFailure = (doing: string, thrown: unknown): HubError => {
  const errno = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  return new HubError(codeOfErrno.get(errno) ?? "outbox-poisoned", `${doing}: ${messageOf(thrown)}`, { cause: thrown });
};

/** Null where there is none, or none that can be read. */
export const readFloor = async (path: string): Promise<NumberFloor | null> => {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw fileFailure("outbox floor: read", thrown);
  }
  const match = /^seq (\d{1,16})\ncounter (\d{1,16})\n(?:series (\d{1,16})\n)?$/.exec(text);
  return match === null ? null : { seq: Number(match[1]), counter: Number(match[2]), series: Number(match[3] ?? 0) };
};

/** Durable when it resolves: file, then name, then directory. A cut in between leaves the old floor. */
export const writeFloor = async (path: string, floor: NumberFloor): Promise<void> => {
  try {
    await replaceDurably(path, `seq ${floor.seq}\ncounter ${floor.counter}\nseries ${floor.series}\n`);
  } catch (thrown) {
    throw fileFailure("outbox floor: write", thrown);
  }
};
