import { readFile } from "node:fs/promises";
import { HubError, messageOf } from "../protocol/errors.ts";
import type { AssignmentId, SensorId } from "../protocol/ids.ts";
import type { Logger } from "../protocol/ports/logger.ts";
import type { SensorMemory } from "../protocol/ports/sensor-memory.ts";
import { replaceDurably } from "./store/durable-file.ts";

const MOST_KEYS = 64;
const LONGEST_KEY = 64;
const LONGEST_TEXT = 1024;

/** What drivers remember of the sensors of this home, in one file. */
export interface SensorMemories {
  of(sensor: SensorId, assignment: AssignmentId): SensorMemory;
}

type Texts = Map<string, string>;

const parse = (text: string): Map<string, Texts> => {
  const { schema, sensors } = JSON.parse(text) as { schema?: unknown; sensors?: Record<string, unknown> };
  if (schema !== "sensor-memory/1" || typeof sensors !== "object" || sensors === null) throw new Error("other content");
  return new Map(
    Object.entries(sensors).map(([sensor, texts]) => {
      const pairs = Object.entries(texts as Record<string, unknown>);
      if (!pairs.every((pair): pair is [string, string] => typeof pair[1] === "string"))
        throw new Error("other content");
      return [sensor, new Map(pairs)];
    }),
  );
};

const bounded = (sensor: SensorId, texts: Texts, key: string, text: string): void => {
  const isFull = !texts.has(key) && texts.size >= MOST_KEYS;
  if (!isFull && key.length <= LONGEST_KEY && text.length <= LONGEST_TEXT) return;
  const found = `key of ${key.length}, text of ${text.length} characters, ${texts.size} keys`;
  throw new HubError("invalid-argument", `memory of sensor ${sensor}: ${found}; at most 64, 1024 and 64`);
};

/**
 * Open the file, or begin an empty one where it is absent or makes no sense: losing it costs reading the sensors again.
 * For the same reason a write that the disk refuses is logged, and does not reject. `known` are the enrolments of this
 * home; what the file has of others is dropped at the next write. The file has `mark` of an assignment, not the
 * assignment; a release before that wrote it plainly.
 */
export const openSensorMemories = async (
  file: string,
  known: readonly { readonly id: SensorId; readonly assignment: AssignmentId }[],
  logger: Logger,
  mark: (assignment: AssignmentId) => string,
): Promise<SensorMemories> => {
  const nameOf = (sensor: SensorId, assignment: AssignmentId): string => `${sensor} ${mark(assignment)}`;
  let read = new Map<string, Texts>();
  try {
    read = parse(await readFile(file, "utf8"));
  } catch (thrown) {
    const isAbsent = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    if (!isAbsent) logger.warn("sensor memory begun anew", { path: file, reason: messageOf(thrown) });
  }
  const memories = new Map<string, Texts>(
    known.map(({ id, assignment }) => {
      const name = nameOf(id, assignment);
      return [name, read.get(name) ?? read.get(`${id} ${assignment}`) ?? new Map<string, string>()];
    }),
  );
  let writing: Promise<void> = Promise.resolve();
  let pending: Promise<void> | null = null;

  const write = async (): Promise<void> => {
    pending = null;
    const sensors = Object.fromEntries([...memories].map(([name, texts]) => [name, Object.fromEntries(texts)]));
    try {
      await replaceDurably(file, `${JSON.stringify({ schema: "sensor-memory/1", sensors })}\n`);
    } catch (thrown) {
      logger.warn("sensor memory not written", { path: file, reason: messageOf(thrown) });
    }
  };

  /** Calls made while one write is under way share the next. */
  const save = (): Promise<void> => {
    if (pending === null) {
      pending = writing.then(write);
      writing = pending;
    }
    return pending;
  };

  return {
    of: (sensor, assignment) => {
      const texts = memories.get(nameOf(sensor, assignment)) ?? new Map<string, string>();
      memories.set(nameOf(sensor, assignment), texts);
      return {
        read: (key) => texts.get(key) ?? null,
        write: async (key, text) => {
          bounded(sensor, texts, key, text);
          texts.set(key, text);
          await save();
        },
      };
    },
  };
};
