import { messageOf } from "../../protocol/errors.ts";

const WORDS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["EISDIR", "it is a folder"],
  ["EACCES", "permission denied"],
  ["EPERM", "not permitted"],
  ["ELOOP", "too many symbolic links"],
  ["EROFS", "the disk is read-only"],
  ["ENOSPC", "the disk is full"],
  ["EMFILE", "too many open files"],
]);

/** What the system said about a file, in words: `no such file`. */
export const fileTrouble = (thrown: unknown): string =>
  WORDS.get(String((thrown as { code?: unknown } | null)?.code)) ?? messageOf(thrown);
