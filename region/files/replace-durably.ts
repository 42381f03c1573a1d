import { mkdir, open, rename } from "node:fs/promises";
import path from "node:path";

/** Durable when it resolves: the content, then the name. A cut in between leaves the old file whole. */
export const replaceDurably = async (file: string, text: string): Promise<void> => {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  const draft = await open(`${file}.new`, "w");
  try {
    await draft.writeFile(text);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${file}.new`, file);
  // A name is durable only after its folder was synchronised (fsync(2), notes).
  const names = await open(folder, "r");
  try {
    await names.sync();
  } finally {
    await names.close();
  }
};
