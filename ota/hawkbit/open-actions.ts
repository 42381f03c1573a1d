import type { UpdateFiles } from "../files/update-files.ts";

const SCHEMA = "hawkbit/1";

/** A server shows one at a time; what is older and still unreported waits behind it. */
export const MOST_OPEN_ACTIONS = 8;

/** An action that the server waits to hear of. */
export interface OpenAction {
  readonly id: string;
  /** False while its window is not open, or where it is to be downloaded only. */
  readonly mayActivate: boolean;
  /** The last feedback that the server has acknowledged, as `JSON.stringify` has it; null: none yet. */
  readonly told: string | null;
  /** How often it was told of. */
  readonly tellings: number;
}

/** What must outlive the power: which actions are open, and what the server knows of them. Newest first. */
export interface OpenActionsFile {
  load(): Promise<{ readonly actions: readonly OpenAction[]; readonly damaged: boolean }>;
  /** Durable when it resolves. */
  save(actions: readonly OpenAction[]): Promise<void>;
}

const isAction = (value: unknown): value is OpenAction => {
  if (typeof value !== "object" || value === null) return false;
  const { id, mayActivate, told, tellings } = value as Readonly<Record<string, unknown>>;
  const isKnown = typeof id === "string" && typeof mayActivate === "boolean" && typeof tellings === "number";
  return isKnown && (told === null || typeof told === "string");
};

const parse = (bytes: Uint8Array): readonly OpenAction[] | null => {
  try {
    const { schema, actions } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return schema === SCHEMA && Array.isArray(actions) && actions.every(isAction) ? actions : null;
  } catch {
    return null;
  }
};

/** Nothing, and `damaged`, where the file makes no sense: the server shows again what is open. */
export const createOpenActionsFile = (files: UpdateFiles, file: string): OpenActionsFile => ({
  load: async () => {
    const bytes = await files.read(file);
    const actions = bytes === null ? [] : parse(bytes);
    return { actions: actions ?? [], damaged: actions === null };
  },
  save: (actions) => files.replace(file, Buffer.from(`${JSON.stringify({ schema: SCHEMA, actions })}\n`)),
});
