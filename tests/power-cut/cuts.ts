import { createHash } from "node:crypto";
import { createDiskModel, LOSS_MODELS, type LossModel } from "./disk-model.ts";
import type { Recording } from "./record.ts";

/** The disk as one cut of the power left it. */
export interface Cut {
  /** Operations that were done before the cut. */
  readonly after: number;
  readonly loss: LossModel;
  /** What the process had acknowledged by then, line by line. */
  readonly acknowledged: readonly string[];
  /** Files below the recorded folder, by their path in it. */
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface CutOptions {
  /** Look at every so many operations; 1 is all. */
  readonly every: number;
  readonly seed: number;
  /** Fingerprints of disks that were tried before, and are left out; those that are yielded are added. */
  readonly seen?: Set<string>;
}

/** Mulberry32 (Tommy Ettinger, public domain): small, and the same on every machine. */
const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** The same for the same files and number of acknowledgements. */
export const fingerprint = (files: ReadonlyMap<string, Buffer>, acknowledged: number): string => {
  const hash = createHash("sha1").update(String(acknowledged));
  for (const [path, content] of [...files].toSorted(([a], [b]) => a.localeCompare(b))) {
    hash.update(`\n${path} ${content.length}\n`).update(content);
  }
  return hash.digest("base64");
};

/**
 * Every distinct state of the disk that a cut could have left, in the order of the operations. The files of a cut are
 * those of the disk that goes on: look at them before asking for the next cut.
 */
export function* cutsOf({ root, operations }: Recording, options: CutOptions): Generator<Cut> {
  const { every, seed, seen = new Set<string>() } = options;
  const disk = createDiskModel(root);
  const random = createRandom(seed);
  const acknowledged: string[] = [];
  let done = 0;
  for (const operation of operations) {
    disk.apply(operation);
    if (operation.tag === "acknowledge") acknowledged.push(...operation.text.split("\n").filter((line) => line !== ""));
    done += 1;
    if (done % every !== 0 && done !== operations.length) continue;
    for (const loss of LOSS_MODELS) {
      const files = new Map(
        [...disk.after(loss, () => random() < 0.5)].map(([path, content]) => [path.slice(root.length + 1), content]),
      );
      const print = fingerprint(files, acknowledged.length);
      if (seen.has(print)) continue;
      seen.add(print);
      yield { after: done, loss, acknowledged: [...acknowledged], files };
    }
  }
}
