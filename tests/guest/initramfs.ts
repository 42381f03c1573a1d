/** One entry of an initial file system: a folder, a link, or a file with its bytes. Paths without a leading slash. */
export type Entry =
  | { readonly path: string; readonly folder: true }
  | { readonly path: string; readonly bytes: Uint8Array; readonly executable: boolean };

const FOLDER = 0o040755;
const FILE = 0o100644;
const EXECUTABLE = 0o100755;

const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

/** An entry in the "newc" format of cpio, as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format). */
const record = (path: string, mode: number, bytes: Uint8Array, inode: number): Buffer => {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(bytes)]);
};

/** The archive of a guest's first file system. Folders come before what is in them. */
export const initramfs = (entries: readonly Entry[]): Buffer => {
  const folders = new Set<string>();
  for (const { path } of entries) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join("/"));
  }
  for (const entry of entries) if ("folder" in entry) folders.add(entry.path);
  const none = new Uint8Array(0);
  const records = [...folders].map((path, i) => record(path, FOLDER, none, i + 1));
  const files = entries.flatMap((entry, i) =>
    "bytes" in entry
      ? [record(entry.path, entry.executable ? EXECUTABLE : FILE, entry.bytes, folders.size + i + 1)]
      : [],
  );
  return Buffer.concat([...records, ...files, record("TRAILER!!!", 0, none, 0)]);
};
