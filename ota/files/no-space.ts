import { HubError } from "../../protocol/errors.ts";

const isFull = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  (("code" in thrown && (thrown.code === "ENOSPC" || thrown.code === "EDQUOT")) ||
    /\b(ENOSPC|EDQUOT)\b/.test(thrown.message));

/** A full disk as its own code; everything else as it was thrown. */
export const explainFullDisk = (thrown: unknown, attempted: string): unknown =>
  isFull(thrown)
    ? new HubError("update-no-space", `${attempted}: the disk is full; free space on it, the update then goes on`, {
        cause: thrown,
      })
    : thrown;

/** What `work` gives; where the disk was full, rejects with `update-no-space`. */
export const explainingFullDisk = async <T>(attempted: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    throw explainFullDisk(thrown, attempted);
  }
};
