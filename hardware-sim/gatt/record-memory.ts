import type { EpochMs } from "../../protocol/time.ts";
import type { Measured } from "./measurement-memory.ts";

/** One value that goes out for a record, and where. */
export interface RecordPart {
  readonly characteristic: string;
  readonly valueHex: string;
}

/** Ground truth about one record of a sensor that a central asks for its records. */
export interface StoredRecord<V> extends Measured<V> {
  /** What the central can ask for: sequence number (glucose) or minutes since the session began (CGM). */
  readonly sequence: number;
  /** Everything that goes out for it, in order; the first is `characteristic` and `valueHex`. */
  readonly parts: readonly RecordPart[];
  /** The time that the sensor's user reads on it, as milliseconds on a calendar without zones; null without a clock. */
  readonly userFacingMs: number | null;
  /** When a central erased it, which a hub never may. */
  readonly deletedAt: EpochMs | null;
}

export type NewRecord<V> = Pick<
  StoredRecord<V>,
  "values" | "sequence" | "parts" | "takenAt" | "deviceTime" | "userFacingMs"
>;

type Changing<T> = { -readonly [K in keyof T]: T[K] };

export interface RecordMemory<V> {
  /** Everything ever measured, in order. */
  readonly truth: readonly StoredRecord<V>[];
  /** What is in memory, oldest first. */
  readonly held: readonly StoredRecord<V>[];
  /** Records in memory that no central has ever had confirmed. */
  readonly waiting: number;
  store(record: NewRecord<V>): StoredRecord<V>;
  find(id: number): StoredRecord<V> | null;
  markSent(id: number, at: EpochMs): void;
  confirm(ids: readonly number[], at: EpochMs): void;
  erase(ids: readonly number[], at: EpochMs): void;
  /** The memory is lost, as with a battery that was out too long. What was in it is lost too. */
  wipe(): void;
}

/** Most measurements that the truth of one simulated sensor keeps; a year of CGM at 5 minutes is 105 120. */
export const MAX_TRUTH = 200_000;

/** A memory that keeps what it reported: at most `capacity` records, and the oldest give way. */
export const createRecordMemory = <V>(capacity: number): RecordMemory<V> => {
  const truth: Changing<StoredRecord<V>>[] = [];
  let held: Changing<StoredRecord<V>>[] = [];

  const lose = (record: Changing<StoredRecord<V>>): void => {
    if (record.confirmedAt === null) record.overwritten = true;
  };
  const each = (ids: readonly number[], change: (record: Changing<StoredRecord<V>>) => void): void => {
    for (const id of ids) {
      const record = truth[id - 1];
      if (record !== undefined) change(record);
    }
  };

  return {
    truth,
    get held() {
      return held;
    },
    get waiting() {
      return held.filter(({ confirmedAt }) => confirmedAt === null).length;
    },
    store: (measured) => {
      if (truth.length >= MAX_TRUTH) throw new RangeError("sensor: more measurements than its truth keeps");
      const [first] = measured.parts;
      const record: Changing<StoredRecord<V>> = {
        ...measured,
        id: truth.length + 1,
        characteristic: first?.characteristic ?? "",
        valueHex: first?.valueHex ?? "",
        followingHex: measured.parts.slice(1).map(({ valueHex }) => valueHex),
        sent: 0,
        sentAt: null,
        confirmedAt: null,
        overwritten: false,
        deletedAt: null,
      };
      truth.push(record);
      held.push(record);
      for (const pushedOut of held.splice(0, Math.max(0, held.length - capacity))) lose(pushedOut);
      return record;
    },
    find: (id) => held.find((record) => record.id === id) ?? null,
    markSent: (id, at) =>
      each([id], (record) => {
        record.sent += 1;
        record.sentAt = at;
      }),
    confirm: (ids, at) =>
      each(ids, (record) => {
        record.confirmedAt ??= at;
      }),
    erase: (ids, at) => {
      each(ids, (record) => {
        record.deletedAt = at;
      });
      held = held.filter(({ id }) => !ids.includes(id));
    },
    wipe: () => {
      held.forEach(lose);
      held = [];
    },
  };
};
