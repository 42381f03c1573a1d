import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

const FILE_MODE = 0o600;

/** Names in a directory are durable only after the directory itself was synchronised (fsync(2), notes). */
export const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** The content is on the disk when it resolves; the name may not be. */
export const writeDurably = async (path: string, content: string | Uint8Array): Promise<void> => {
  const handle = await open(path, "w", FILE_MODE);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Durable when it resolves: file, then name, then directory. A cut in between leaves the old file whole. */
export const replaceDurably = async (path: string, content: string | Uint8Array): Promise<void> => {
  const draft = `${path}.new`;
  await writeDurably(draft, content);
  await rename(draft, path);
  await syncDirectory(dirname(path));
};
