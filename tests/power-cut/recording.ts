import { readFile } from "node:fs/promises";

/** One thing that a process did to its files, as recorder.c wrote it down. */
export type Operation =
  | { readonly tag: "create" | "make-directory" | "open-directory"; readonly inode: bigint; readonly path: string }
  | { readonly tag: "truncate"; readonly inode: bigint; readonly length: number }
  | { readonly tag: "write"; readonly inode: bigint; readonly offset: number; readonly bytes: Buffer }
  | { readonly tag: "sync"; readonly inode: bigint }
  | { readonly tag: "rename"; readonly from: string; readonly to: string }
  | { readonly tag: "unlink"; readonly path: string }
  /** What the process had acknowledged; no operation on the disk. */
  | { readonly tag: "acknowledge"; readonly text: string };

const HEAD = 25;

const operationOf = (op: string, inode: bigint, offset: number, path: string, data: Buffer): Operation => {
  switch (op) {
    case "C":
      return { tag: "create", inode, path };
    case "M":
      return { tag: "make-directory", inode, path };
    case "O":
      return { tag: "open-directory", inode, path };
    case "T":
      return { tag: "truncate", inode, length: offset };
    case "W":
      return { tag: "write", inode, offset, bytes: data };
    case "F":
      return { tag: "sync", inode };
    case "R":
      return { tag: "rename", from: path, to: data.toString("utf8") };
    case "U":
      return { tag: "unlink", path };
    case "A":
      return { tag: "acknowledge", text: data.toString("utf8") };
    default:
      throw new Error(`recording: operation ${JSON.stringify(op)} is not known; recorder.c and this file differ`);
  }
};

/** All that recorder.c wrote down; a record that was cut off at the end, because the process was killed, is left out. */
export const readRecording = async (file: string): Promise<readonly Operation[]> => {
  const log = await readFile(file);
  const operations: Operation[] = [];
  for (let at = 0; at + HEAD <= log.length; ) {
    const pathLength = log.readUInt32LE(at + 17);
    const dataLength = log.readUInt32LE(at + 21);
    const end = at + HEAD + pathLength + dataLength;
    if (end > log.length) break;
    const path = log.toString("utf8", at + HEAD, at + HEAD + pathLength);
    const data = log.subarray(at + HEAD + pathLength, end);
    const offset = Number(log.readBigInt64LE(at + 9));
    operations.push(
      operationOf(String.fromCharCode(log.readUInt8(at)), log.readBigUInt64LE(at + 1), offset, path, data),
    );
    at = end;
  }
  return operations;
};
