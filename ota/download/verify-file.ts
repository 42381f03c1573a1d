import { createHash } from "node:crypto";
import type { UpdateFiles } from "../files/update-files.ts";
import type { TrustedTarget } from "../trust/trusted-target.ts";

/** Whether a file is the target, by its length and every hash; read from the disk, not from memory of writing it. */
export const isTarget = async (files: UpdateFiles, file: string, target: TrustedTarget): Promise<boolean> => {
  if ((await files.sizeOf(file)) !== target.length) return false;
  const digests = target.hashes.map(({ algorithm, digest }) => ({ hash: createHash(algorithm), digest }));
  for await (const chunk of files.stream(file)) for (const { hash } of digests) hash.update(chunk);
  return digests.length > 0 && digests.every(({ hash, digest }) => hash.digest("hex") === digest);
};
