import type { SensorId, Seq } from "../ids.ts";
import type { Receipt } from "../messages.ts";
import type { DraftReading, Reading } from "../reading.ts";

/** What became of one appended reading: stored under a new number, or already taken before under `seq`. */
export type Appended = { readonly tag: "stored"; readonly seq: Seq } | { readonly tag: "duplicate"; readonly seq: Seq };

export interface OutboxDepth {
  /** Readings that the region has not accounted for. */
  readonly waiting: number;
  /** Readings that the region refused; kept for the technician. */
  readonly refused: number;
  readonly oldest: Seq | null;
  /** Highest number ever given. */
  readonly newest: Seq | null;
}

/** A stored reading as it is sent. */
export interface ReadingText {
  readonly seq: Seq;
  /** JSON of the Reading as `next` gives it, UTF-8, without white space between its parts. */
  readonly json: Uint8Array;
}

/** Bytes that a driver could not make sense of, kept for the technician: never lost, never published as a value. */
export interface UnreadableCapture {
  readonly sensor: string;
  readonly channel: string;
  readonly reason: string;
  readonly rawHex: string;
  readonly receivedUtc: string | null;
}

/** What became of a receipt. */
export interface Settlement {
  readonly settled: number;
  readonly refused: number;
  /** Numbers the region asks for again, or that it has named and the outbox does not have. */
  readonly resend: readonly Seq[];
  /** True where the receipt is for another series, or names numbers never given: ignored, to be reported. */
  readonly unknown: boolean;
}

/** Durable buffer between sensors and region. Sequence numbers rise by one for each stored reading. */
export interface Outbox extends AsyncDisposable {
  /**
   * Names this series of numbers: 12 hex digits, made when number 1 may be given, the same as long as numbers go on.
   * Where everything was wiped they begin anew, under another name.
   */
  readonly series: string;
  /**
   * Resolves when every reading is durable (fsync returned), one result each in order; rejects with HubError
   * `outbox-disk-full`, `outbox-read-only`, `outbox-poisoned` or `outbox-closed`, and then none of them counts as
   * taken. A reading whose idem was stored before is a duplicate and takes no number. Concurrent calls share a commit.
   * `sensor` is the hub's name of the sensor that they are from, for the account; null for none.
   */
  append(readings: readonly DraftReading[], sensor?: SensorId | null): Promise<readonly Appended[]>;
  /** Waiting readings with a number above `after`, ascending, at most `limit`. */
  next(after: Seq | 0, limit: number): Promise<readonly Reading[]>;
  /** The newest waiting readings below `before` (null: from the top), descending, at most `limit`. */
  newest(before: Seq | null, limit: number): Promise<readonly Reading[]>;
  /** As `next`, each as text: for whoever passes readings on and does not look at them. */
  nextTexts(after: Seq | 0, limit: number): Promise<readonly ReadingText[]>;
  /** As `newest`, each as text. */
  newestTexts(before: Seq | null, limit: number): Promise<readonly ReadingText[]>;
  /** Apply a receipt durably: delete what the region has, keep and mark what it refused. Idempotent. */
  settle(receipt: Receipt): Promise<Settlement>;
  /** Keep bytes that could not be decoded (bounded: the oldest of 1000 go first). Durable when it resolves. */
  keepUnreadable(capture: UnreadableCapture): Promise<void>;
  depth(): OutboxDepth;
  /** A number that rises by one at each call and survives restarts; for sensors without a clock (see idem). */
  nextCounter(): Promise<number>;
}
