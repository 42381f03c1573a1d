import { dirname } from "node:path";
import type { Operation } from "./recording.ts";

/** What a disk may have kept of what was not synchronised when the power went. */
export type LossModel =
  /** Everything: the cut came just after the operation had reached the disk. */
  | "all-kept"
  /** Nothing: only what was synchronised. */
  | "unsynced-lost"
  /** Some sectors and not others, in any order; of the names, the first so many changes. */
  | "some-lost";

export const LOSS_MODELS: readonly LossModel[] = ["all-kept", "unsynced-lost", "some-lost"];

/** A disk writes a sector whole or not at all. */
const SECTOR = 512;

type Change = { readonly offset: number; readonly bytes: Buffer } | { readonly length: number };

/** A file: as the process sees it, as it is certainly on the disk, and what lies between. */
interface Inode {
  current: Buffer;
  durable: Buffer;
  changes: Change[];
  readonly isDirectory: boolean;
}

type NameChange = { readonly parent: string } & (
  | { readonly tag: "link"; readonly path: string; readonly inode: Inode }
  | { readonly tag: "rename"; readonly from: string; readonly to: string }
  | { readonly tag: "unlink"; readonly path: string }
);

type Names = Map<string, Inode>;

/** The content with the change, in the same buffer where it has the length. */
const applyChange = (content: Buffer, change: Change): Buffer => {
  const length = "length" in change ? change.length : Math.max(content.length, change.offset + change.bytes.length);
  const changed = length === content.length ? content : Buffer.alloc(length);
  if (changed !== content) content.copy(changed, 0, 0, Math.min(length, content.length));
  if ("bytes" in change) change.bytes.copy(changed, change.offset);
  return changed;
};

const applyName = (names: Names, change: NameChange): void => {
  if (change.tag === "link") names.set(change.path, change.inode);
  if (change.tag === "unlink") names.delete(change.path);
  if (change.tag !== "rename") return;
  const inode = names.get(change.from);
  names.delete(change.from);
  if (inode !== undefined) names.set(change.to, inode);
};

/** Sectors of a write that reached the disk. */
const sectorsOf = (change: Change, keeps: () => boolean): readonly Change[] => {
  if ("length" in change) return keeps() ? [change] : [];
  const kept: Change[] = [];
  for (let at = 0; at < change.bytes.length; ) {
    const inSector = SECTOR - ((change.offset + at) % SECTOR);
    const bytes = change.bytes.subarray(at, at + inSector);
    if (keeps()) kept.push({ offset: change.offset + at, bytes });
    at += bytes.length;
  }
  return kept;
};

/**
 * A disk with a file system that promises only what POSIX does: content is durable after fsync of the file, a name after
 * fsync of its directory. It is harsher than ext4, which keeps more than it has to.
 */
export interface DiskModel {
  apply(operation: Operation): void;
  /** Files by path, not to be changed, as the next start would find them. `keeps` decides for each sector under `some-lost`. */
  after(loss: LossModel, keeps: () => boolean): ReadonlyMap<string, Buffer>;
}

export const createDiskModel = (root: string): DiskModel => {
  const inodes = new Map<bigint, Inode>();
  const durable: Names = new Map();
  const current: Names = new Map();
  const paths = new Map<bigint, string>();
  let nameChanges: NameChange[] = [];

  const create = (inode: bigint, path: string, isDirectory: boolean): void => {
    const made: Inode = { current: Buffer.alloc(0), durable: Buffer.alloc(0), changes: [], isDirectory };
    inodes.set(inode, made);
    // Numbers of inodes that are gone are given again, to files as to directories.
    if (isDirectory) paths.set(inode, path);
    else paths.delete(inode);
    rename({ tag: "link", parent: dirname(path), path, inode: made });
  };

  const rename = (change: NameChange): void => {
    applyName(current, change);
    nameChanges.push(change);
  };

  const change = (inode: bigint, made: Change): void => {
    const file = inodes.get(inode);
    if (file === undefined) throw new Error(`recording: inode ${inode} is written to and was never created`);
    file.current = applyChange(file.current, made);
    file.changes.push(made);
  };

  const sync = (inode: bigint): void => {
    const directory = paths.get(inode);
    if (directory !== undefined) {
      for (const one of nameChanges) if (one.parent === directory) applyName(durable, one);
      nameChanges = nameChanges.filter((one) => one.parent !== directory);
      return;
    }
    const file = inodes.get(inode);
    if (file === undefined) return;
    file.durable = file.changes.reduce(applyChange, file.durable);
    file.changes = [];
  };

  const contentAfter = (file: Inode, loss: LossModel, keeps: () => boolean): Buffer => {
    if (loss === "all-kept") return file.current;
    if (loss === "unsynced-lost") return file.durable;
    return file.changes.flatMap((one) => sectorsOf(one, keeps)).reduce(applyChange, Buffer.from(file.durable));
  };

  const namesAfter = (loss: LossModel, keeps: () => boolean): Names => {
    if (loss === "all-kept") return current;
    if (loss === "unsynced-lost") return durable;
    const names = new Map(durable);
    // The journal of a file system keeps the order of names.
    for (const one of nameChanges) {
      if (!keeps()) break;
      applyName(names, one);
    }
    return names;
  };

  /** A name is there only as long as every directory above it is. */
  const isReachable = (names: Names, path: string): boolean => {
    for (let above = dirname(path); above.length > root.length; above = dirname(above)) {
      if (!names.has(above)) return false;
    }
    return true;
  };

  return {
    apply: (operation) => {
      switch (operation.tag) {
        case "create":
          return create(operation.inode, operation.path, false);
        case "make-directory":
          return create(operation.inode, operation.path, true);
        case "open-directory":
          paths.set(operation.inode, operation.path);
          return;
        case "truncate":
          return change(operation.inode, { length: operation.length });
        case "write":
          return change(operation.inode, { offset: operation.offset, bytes: operation.bytes });
        case "sync":
          return sync(operation.inode);
        case "rename":
          return rename({ tag: "rename", parent: dirname(operation.to), from: operation.from, to: operation.to });
        case "unlink":
          return rename({ tag: "unlink", parent: dirname(operation.path), path: operation.path });
        case "acknowledge":
          return;
      }
    },
    after: (loss, keeps) => {
      const files = new Map<string, Buffer>();
      const names = namesAfter(loss, keeps);
      for (const [path, inode] of names) {
        if (!inode.isDirectory && isReachable(names, path)) files.set(path, contentAfter(inode, loss, keeps));
      }
      return files;
    },
  };
};
