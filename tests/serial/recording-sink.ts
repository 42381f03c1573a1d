import type { ReadingSink } from "../../drivers/driver.ts";
import type { UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { createReadingValidator, requireReading } from "../../protocol/validate.ts";

export interface Report {
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** A sink that remembers, refuses what is no reading by the schema, and that a test can make slow or broken. */
export interface RecordingSink extends ReadingSink {
  readonly taken: readonly DraftReading[];
  readonly unreadable: readonly UnreadableCapture[];
  readonly reports: readonly Report[];
  /** What `take` waits for before it counts; rejects to play a store that fails. */
  beforeTake: (readings: readonly DraftReading[]) => Promise<void>;
}

export const createRecordingSink = (): RecordingSink => {
  const taken: DraftReading[] = [];
  const unreadable: UnreadableCapture[] = [];
  const reports: Report[] = [];
  const validate = createReadingValidator();
  let counter = 0;
  const sink: RecordingSink = {
    taken,
    unreadable,
    reports,
    beforeTake: async () => undefined,
    take: async (readings) => {
      for (const draft of readings) requireReading(validate, { ...draft, seq: 1 });
      await sink.beforeTake(readings);
      taken.push(...readings);
    },
    keepUnreadable: async (capture) => {
      unreadable.push(capture);
    },
    nextCounter: async () => {
      counter += 1;
      return counter;
    },
    report: (code, message, detail) => {
      reports.push({ code, message, detail });
    },
  };
  return sink;
};
