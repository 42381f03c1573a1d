import path from "node:path";
import type { GrowingFile, UpdateFiles } from "../files/update-files.ts";
import type { TrustedTarget } from "../trust/trusted-target.ts";

const SCHEMA = "download-part/1";

/** As much as a cut of the power may cost: 4 MiB, some 30 s of a slow link; each costs two writes of a block. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024;

/** What there is already of a target. */
export interface PartFile extends AsyncDisposable {
  readonly length: number;
  /** State of the file at the source that the bytes belong to. */
  readonly validator: string | null;
  append(bytes: Uint8Array): Promise<void>;
  /** Begin again from nothing. */
  restart(validator: string | null): Promise<void>;
  /** All that was appended is durable, and the next start resumes behind it. */
  checkpoint(): Promise<void>;
  /** Under its final name, durable when it resolves. */
  finish(): Promise<void>;
  /** Gone from the disk. */
  discard(): Promise<void>;
}

interface PartState {
  readonly schema: string;
  readonly target: string;
  readonly validator: string | null;
  readonly length: number;
}

const identityOf = ({ length, hashes }: TrustedTarget): string =>
  [length, ...hashes.map(({ algorithm, digest }) => `${algorithm}:${digest}`)].join(" ");

const parseState = (bytes: Uint8Array | null, target: string): PartState | null => {
  try {
    const state = JSON.parse(Buffer.from(bytes ?? []).toString("utf8"));
    const isOurs = state.schema === SCHEMA && state.target === target && Number.isSafeInteger(state.length);
    const validator = typeof state.validator === "string" ? state.validator : null;
    return isOurs && state.length >= 0 ? { schema: SCHEMA, target, validator, length: state.length } : null;
  } catch {
    // Absent, or of another target, or damaged: the download begins from nothing.
    return null;
  }
};

/** The part of `directory`/`name` that was downloaded before, as far as it was synchronised and is of the same target. */
export const openPartFile = async (
  files: UpdateFiles,
  directory: string,
  name: string,
  target: TrustedTarget,
): Promise<PartFile> => {
  const part = path.join(directory, `${name}.part`);
  const stateFile = `${part}.json`;
  const identity = identityOf(target);
  const state = parseState(await files.read(stateFile), identity);
  const isWhole = state !== null && ((await files.sizeOf(part)) ?? 0) >= state.length && state.length <= target.length;
  let length = isWhole ? state.length : 0;
  let validator = isWhole ? state.validator : null;
  let sinceCheckpoint = 0;
  let file: GrowingFile | null = await files.grow(part, length);

  const close = async (): Promise<void> => {
    const open = file;
    file = null;
    await open?.[Symbol.asyncDispose]();
  };
  const checkpoint = async (): Promise<void> => {
    if (file === null || sinceCheckpoint === 0) return;
    await file.sync();
    const reached: PartState = { schema: SCHEMA, target: identity, validator, length };
    await files.replace(stateFile, Buffer.from(`${JSON.stringify(reached)}\n`));
    sinceCheckpoint = 0;
  };

  return {
    get length() {
      return length;
    },
    get validator() {
      return validator;
    },
    append: async (bytes) => {
      await file?.write(bytes);
      length += bytes.length;
      sinceCheckpoint += bytes.length;
      if (sinceCheckpoint >= CHECKPOINT_BYTES) await checkpoint();
    },
    restart: async (changed) => {
      await close();
      await files.remove(stateFile);
      file = await files.grow(part, 0);
      length = 0;
      validator = changed;
      sinceCheckpoint = 0;
    },
    checkpoint,
    finish: async () => {
      await file?.sync();
      await close();
      await files.rename(part, path.join(directory, name));
      await files.remove(stateFile);
    },
    discard: async () => {
      await close();
      await files.remove(stateFile);
      await files.remove(part);
    },
    [Symbol.asyncDispose]: close,
  };
};
