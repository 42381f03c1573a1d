import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { HubError, messageOf } from "../../protocol/errors.ts";
import { replaceDurably } from "./durable-file.ts";
import { fileFailure } from "./number-floor.ts";
import type { Seal } from "./seal.ts";

/**
 * One JSON value of the hub's own, sealed, in two copies: a card that loses one block must not lose whom readings belong
 * to, or which commands were carried out.
 */
export interface SealedFile {
  /**
   * The value written last; null where none ever was. Throws HubError `outbox-key` where there is a file and no copy of
   * it opens: what it said must not be guessed.
   */
  read(): Promise<unknown>;
  /** Durable when it resolves; a cut before leaves the old value. One call at a time. */
  write(value: unknown): Promise<void>;
}

interface Kept {
  readonly revision: number;
  readonly value: unknown;
}

const copiesOf = (path: string): readonly string[] => [path, `${path}.copy`];

const readCopy = async (path: string): Promise<Uint8Array | null> => {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw fileFailure(`${basename(path)}: read`, thrown);
  }
};

export const createSealedFile = (path: string, seal: Pick<Seal, "seal" | "open">): SealedFile => {
  const bound = Buffer.from(`state ${basename(path)}`);
  let revision = 0;

  const opened = (bytes: Uint8Array): Kept | null => {
    const plain = seal.open(bytes, bound);
    return plain === null ? null : (JSON.parse(Buffer.from(plain).toString("utf8")) as Kept);
  };

  return {
    read: async () => {
      const copies = (await Promise.all(copiesOf(path).map(readCopy))).filter((one) => one !== null);
      if (copies.length === 0) return null;
      const kept = copies.map(opened).filter((one) => one !== null);
      const [newest] = kept.toSorted((a, b) => b.revision - a.revision);
      if (newest !== undefined) {
        revision = newest.revision;
        return newest.value;
      }
      throw new HubError(
        "outbox-key",
        `${path}: it was sealed with another key, or both of its copies are damaged; the hub does not guess what it ` +
          "said. Put the former key or the files back; where they are lost for good, move this file and its copy away " +
          "after making sure whose hub this is, and start again",
      );
    },
    write: async (value) => {
      const next: Kept = { revision: revision + 1, value };
      const bytes = seal.seal(Buffer.from(JSON.stringify(next), "utf8"), bound);
      try {
        for (const copy of copiesOf(path)) await replaceDurably(copy, bytes);
      } catch (thrown) {
        throw fileFailure(`${basename(path)}: write (${messageOf(thrown)})`, thrown);
      }
      revision = next.revision;
    },
  };
};
