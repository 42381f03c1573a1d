import type { ReadingSink } from "../../drivers/driver.ts";
import { HubError, isHubError } from "../../protocol/errors.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Appended, Outbox } from "../../protocol/ports/outbox.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import type { ReportEvent } from "./event-reporter.ts";

/** Readings kept in memory while the outbox refuses: about 2 kB each, 2 MB. Beyond it the sensor keeps them. */
export const MOST_HELD_READINGS = 1000;

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;

/** Refusals that free space, a remount or a reopened database ends. */
const PASSING = ["outbox-disk-full", "outbox-read-only", "outbox-poisoned", "outbox-corrupt"] as const;

export interface IngestOptions {
  readonly outbox: Outbox;
  readonly validate: ReadingValidator;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** Says what is doubtful of a reading, in its quality and nowhere else. Default: nothing is. */
  readonly judge?: (sensor: SensorId | null, reading: DraftReading) => DraftReading;
  /** Called after each commit that gave a number: there is something to forward. */
  readonly onStored: () => void;
}

export interface IngestStatus {
  /** New readings committed since start. */
  readonly stored: number;
  readonly duplicates: number;
  readonly invalid: number;
  /** Readings that were refused to their sensor, because neither disk nor memory had room, or the hub stopped. */
  readonly turnedAway: number;
  /** Readings in memory because the outbox refuses them. */
  readonly held: number;
  /** Why the outbox refuses, as a sentence; null when it does not. */
  readonly trouble: string | null;
}

/** The way from sensors to the outbox: checks each reading, stores it, and holds it while the outbox cannot. */
export interface Ingest {
  /** The sink of one sensor, whose name then stands in the log and in events; null: of no sensor in particular. */
  sinkOf(sensor: SensorId | null): ReadingSink;
  status(): IngestStatus;
  /** When the sensor last gave anything, readable or not, on the monotonic clock; null: not since start. */
  lastHeard(sensor: SensorId): Millis | null;
  /** When a new reading of the sensor was last made durable; null: not since start. */
  lastStored(sensor: SensorId): Millis | null;
  /** Resolves when nothing is on its way to the outbox. `signal` gives up: what is held is then refused to the sensor. */
  drain(signal: AbortSignal): Promise<void>;
}

const retryAfter = (attempt: number): Millis => millis(Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS));

export const createIngest = (options: IngestOptions): Ingest => {
  const { outbox, validate, clock, logger, report, onStored, judge = (_sensor, reading) => reading } = options;
  const givenUp = new AbortController();
  const onItsWay = new Set<Promise<unknown>>();
  const lastHeardAt = new Map<SensorId, Millis>();
  const lastStoredAt = new Map<SensorId, Millis>();
  let counts = { stored: 0, duplicates: 0, invalid: 0, turnedAway: 0 };
  let held = 0;
  let trouble: string | null = null;

  const refused = (error: HubError): void => {
    if (trouble !== null) return;
    trouble = error.message;
    logger.error("outbox refuses readings, holding them in memory", { code: error.code, reason: error.message });
    report("storage-fault", `readings are held in memory: ${error.message}`, { state: "refusing", code: error.code });
  };

  const accepted = (): void => {
    if (trouble === null) return;
    trouble = null;
    logger.info("outbox takes readings again", { held });
    report("storage-fault", "the outbox takes readings again", { state: "recovered", held });
  };

  /** Run `store` until it succeeds; `weight` readings (0: only a number) count as held from the first refusal on. */
  const durably = async <T>(weight: number, store: () => Promise<T>): Promise<T> => {
    let holding = false;
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          const result = await store();
          if (weight > 0) accepted();
          return result;
        } catch (thrown) {
          if (!isHubError(thrown) || !(PASSING as readonly string[]).includes(thrown.code)) throw thrown;
          refused(thrown);
          if (!holding && held + weight > MOST_HELD_READINGS) {
            throw new HubError(thrown.code, `${thrown.message}; ${held} readings are held in memory, which is full`, {
              cause: thrown,
            });
          }
          if (!holding) held += weight;
          holding = true;
          await clock.sleep(retryAfter(attempt), givenUp.signal);
        }
      }
    } finally {
      if (holding) held -= weight;
    }
  };

  const tracked = async <T>(work: Promise<T>): Promise<T> => {
    onItsWay.add(work);
    try {
      return await work;
    } finally {
      onItsWay.delete(work);
    }
  };

  const setAside = async (sensor: SensorId | null, reading: DraftReading, reason: string): Promise<void> => {
    counts = { ...counts, invalid: counts.invalid + 1 };
    const { driver, source, rawHex } = reading.provenance;
    logger.error("driver made an invalid reading, its bytes are kept", { sensor, driver, channel: source, reason });
    report("malformed-data", "a driver made an invalid reading; its bytes are kept", { sensor, driver, reason });
    const capture = { sensor: sensor ?? "", channel: source, reason, rawHex, receivedUtc: reading.time.received.utc };
    await durably(1, () => outbox.keepUnreadable(capture));
  };

  /** Store them, or tell everybody that they stay with the sensor. */
  const kept = async (sensor: SensorId | null, readings: readonly DraftReading[]): Promise<readonly Appended[]> => {
    try {
      return await durably(readings.length, () => outbox.append(readings, sensor));
    } catch (thrown) {
      counts = { ...counts, turnedAway: counts.turnedAway + readings.length };
      const { length: count } = readings;
      report("storage-fault", "readings are turned away: there is no room for them on the hub", {
        sensor,
        state: "turned-away",
        count,
      });
      throw thrown;
    }
  };

  const take = async (sensor: SensorId | null, readings: readonly DraftReading[]): Promise<void> => {
    const valid: DraftReading[] = [];
    for (const reading of readings.map((one) => judge(sensor, one))) {
      // The number comes with the commit; 1 stands in for it, because the schema describes the stored reading.
      const result = validate({ ...reading, seq: 1 });
      if (result.tag === "ok") valid.push(reading);
      else await setAside(sensor, reading, result.reason);
    }
    if (valid.length === 0) return;
    const appended = await kept(sensor, valid);
    let fresh = 0;
    for (const [i, one] of appended.entries()) {
      if (one.tag === "stored") fresh += 1;
      const message = one.tag === "stored" ? "reading stored" : "reading already stored";
      logger.info(message, { sensor, seq: one.seq, kind: valid[i]?.kind });
    }
    counts = {
      ...counts,
      stored: counts.stored + fresh,
      duplicates: counts.duplicates + appended.length - fresh,
    };
    if (fresh === 0) return;
    if (sensor !== null) lastStoredAt.set(sensor, clock.elapsed());
    onStored();
  };

  return {
    sinkOf: (sensor) => {
      const heard = (): void => {
        if (sensor !== null) lastHeardAt.set(sensor, clock.elapsed());
      };
      return {
        take: (readings) => {
          heard();
          return tracked(take(sensor, readings));
        },
        keepUnreadable: (capture) => {
          heard();
          return tracked(durably(1, () => outbox.keepUnreadable(capture)));
        },
        nextCounter: () => tracked(durably(0, () => outbox.nextCounter())),
        report: (code, message, detail) => report(code, message, sensor === null ? detail : { sensor, ...detail }),
      };
    },
    status: () => ({ ...counts, held, trouble }),
    lastHeard: (sensor) => lastHeardAt.get(sensor) ?? null,
    lastStored: (sensor) => lastStoredAt.get(sensor) ?? null,
    drain: async (signal) => {
      const giveUp = (): void =>
        givenUp.abort(new HubError("aborted", "ingest: the hub stops; the reading is not stored"));
      signal.addEventListener("abort", giveUp, { once: true });
      if (signal.aborted) giveUp();
      while (onItsWay.size > 0) await Promise.allSettled(onItsWay);
      signal.removeEventListener("abort", giveUp);
    },
  };
};
