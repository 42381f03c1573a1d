import { createDumpPace } from "./dump-pace.ts";
import { isFirstOlder } from "./lifescan-message.ts";
import type { Answer, MeterLine } from "./meter-line.ts";
import type { Stored, StoredMemory } from "./meter-protocol.ts";

/** How a meter of LifeScan's binary protocol is asked for its records. */
export interface RecordsByNumber {
  readonly most: number;
  /** Null where no answer came. */
  count(line: MeterLine): Promise<number | null>;
  /** Null where no answer came. */
  record(line: MeterLine, number: number): Promise<Answer<Uint8Array> | null>;
}

export interface NumberedMemory {
  /** What there is to read at this visit; null where the meter does not answer. */
  at(line: MeterLine): Promise<readonly StoredMemory[] | null>;
  /** The meter was away. */
  forget(): void;
}

const isSame = (one: Uint8Array | null, other: Uint8Array): boolean =>
  one !== null && Buffer.from(one).equals(Buffer.from(other));

/**
 * A memory that is asked for record by record, 0 the newest: so is the Verio of 2015 documented, and so is nothing said
 * of the others. Where the first record is older than the last, that does not hold, or the meter's clock was lost in
 * between: then everything is read.
 */
export const createNumberedMemory = ({ most, count, record }: RecordsByNumber): NumberedMemory => {
  const pace = createDumpPace();

  async function* newestFirst(line: MeterLine, length: number): AsyncGenerator<Stored, boolean, undefined> {
    let previous: Uint8Array | null = null;
    for (let number = 0; number < length; number++) {
      let answer = await record(line, number);
      if (answer !== null && isSame(previous, answer.raw)) {
        // The same once more may be the last answer that came twice; after a pause it can only be this record's.
        await line.quiet();
        answer = await record(line, number);
      }
      if (answer === null) {
        yield { tag: "lost" };
        return false;
      }
      previous = answer.raw;
      yield { tag: "record", raw: answer.raw, at: answer.answered };
    }
    return true;
  }

  async function* all(line: MeterLine, length: number): AsyncGenerator<Stored, void, undefined> {
    const began = line.elapsed();
    if (yield* newestFirst(line, length)) pace.done(String(length), began, line.elapsed());
  }

  return {
    forget: () => pace.forget(),
    at: async (line) => {
      const told = await count(line);
      if (told === null) return null;
      const length = Math.min(told, most);
      const first = length > 1 ? await record(line, 0) : null;
      const last = first === null ? null : await record(line, length - 1);
      if (first !== null && last !== null && isFirstOlder(first.raw, last.raw)) {
        const isDue = pace.isDue(String(length), line.elapsed());
        return isDue ? [{ name: "", order: "unordered", read: () => all(line, length) }] : [];
      }
      return [{ name: "", order: "newest-first", read: () => newestFirst(line, length) }];
    },
  };
};
