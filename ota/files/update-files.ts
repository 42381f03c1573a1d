/** A file that grows at its end. */
export interface GrowingFile extends AsyncDisposable {
  /** All of `bytes` is with the kernel when it resolves; durable only after `sync`. */
  write(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
}

/**
 * What updates do to the disk. Paths are absolute. Rejects with the error of the operating system; an absent file is a
 * value, never an error.
 */
export interface UpdateFiles {
  /** Null where there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  sizeOf(path: string): Promise<number | null>;
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Names in a folder, sorted; none where there is no such folder. */
  list(directory: string): Promise<readonly string[]>;
  /** Not durable, not even whole after a cut of the power: for what is made anew at every use. */
  scratch(path: string, content: Uint8Array): Promise<void>;
  /** Durable when it resolves; a cut of the power before leaves the old content whole. */
  replace(path: string, content: Uint8Array): Promise<void>;
  /** Durable when it resolves. The content must have been synchronised before. */
  rename(from: string, to: string): Promise<void>;
  /** Open for writing behind the first `keep` bytes; what is behind them is cut off. */
  grow(path: string, keep: number): Promise<GrowingFile>;
  /** The folder and those above it; durable when it resolves. */
  makeDirectory(path: string): Promise<void>;
  /** A file, or a folder with all in it. Not durable: what is removed must be safe to find again. */
  remove(path: string): Promise<void>;
  /** What an unprivileged process may still write to the disk of this folder, in bytes. */
  freeBytes(directory: string): Promise<number>;
}
