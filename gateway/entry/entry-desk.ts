import type { ReadingSink } from "../../drivers/driver.ts";
import type { Zone } from "../../drivers/normalise/zone.ts";
import { isHubError } from "../../protocol/errors.ts";
import type { AssignmentId, HubId, ReadingId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { type Arrival, epochMs, isoUtc, seconds } from "../../protocol/time.ts";
import { type ReadingValidator, requireReading } from "../../protocol/validate.ts";
import { nameOf, type Questionnaire } from "./definition.ts";
import { type EntryLedger, formOf, type PastEntry } from "./entry-ledger.ts";
import { type EnteredBy, type EntryContent, entryReadings, type Replaced } from "./entry-reading.ts";
import type { Questionnaires } from "./load-questionnaires.ts";
import { type StatedTime, statedTime } from "./stated-time.ts";
import { quoted, wrongEntry } from "./wrong-entry.ts";

/** How long somebody waits for an answer while the disk refuses; the reading goes on waiting in memory. */
const ANSWER_WITHIN = seconds(10);

/** A reading's id as a person types it: its beginning is enough where it is the only one. */
const SHORTEST_ID = 6;

export interface EntryDeskOptions {
  readonly assignment: AssignmentId;
  readonly hub: { readonly id: HubId; readonly version: string };
  readonly zone: Zone;
  readonly questionnaires: Questionnaires;
  readonly ledger: EntryLedger;
  readonly sink: Pick<ReadingSink, "take">;
  readonly validate: ReadingValidator;
  readonly time: HubTime;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An entry that is understood and ready to be stored. */
export interface Prepared {
  /** UUID of the form: a form that is sent again is one reading. */
  readonly entryId: string;
  readonly by: EnteredBy;
  readonly title: string;
  /** Null: what it replaces is withdrawn, and nothing stands instead. */
  readonly content: EntryContent | null;
  readonly replaces: Replaced | null;
  readonly stated: StatedTime | null;
  readonly at: Arrival;
}

/**
 * `stored`: durable. `known`: this form was stored before; nothing was added. `waiting`: the disk refuses, and the reading
 * is in memory until it does not; it is lost if the hub ends before.
 */
export interface Outcome {
  readonly tag: "stored" | "known" | "waiting";
  /** The reading that stands; null after a withdrawal. */
  readonly reading: ReadingId | null;
}

/** Where manual entries and filled-in forms become readings. */
export interface EntryDesk {
  readonly questionnaires: Questionnaires;
  /** Manual readings of this assignment, newest last. */
  readonly past: readonly PastEntry[];
  now(): Arrival;
  /** Of the home: `2026-11-22 08:15`. */
  localText(utcMs: number): string;
  /** Throws HubError `invalid-argument`. */
  stated(text: string, at: Arrival): StatedTime;
  /** By `id` or `id@version`. Throws HubError `invalid-argument`. */
  questionnaire(name: string): Questionnaire;
  /**
   * A stored manual reading that form `entryId` may put right, by its id or its beginning. Throws HubError
   * `invalid-argument`, also where another form has done so.
   */
  correctable(id: string, entryId: string): Replaced;
  /**
   * Make it readings and hand them to ingest. Rejects with HubError `invalid-argument` where the same form was stored with
   * other content, and with the outbox's codes where it cannot be held either.
   */
  store(prepared: Prepared, signal: AbortSignal): Promise<Outcome>;
}

export const createEntryDesk = (options: EntryDeskOptions): EntryDesk => {
  const { assignment, hub, zone, questionnaires, ledger, sink, validate, time, clock, logger } = options;
  /** Forms on their way to the outbox: the same one at the same time is one. */
  const underWay = new Map<string, { readonly last: ReadingId | undefined; readonly work: Promise<void> }>();

  const readingsOf = (prepared: Prepared): readonly DraftReading[] => {
    const readings = entryReadings(prepared.content, { assignment, hub, ...prepared });
    // Checked here as well: ingest sets an invalid reading aside, and this one would be called stored.
    for (const reading of readings) requireReading(validate, { ...reading, seq: 1 });
    return readings;
  };

  const keep = async (
    prepared: Prepared,
    readings: readonly DraftReading[],
    standing: ReadingId | null,
  ): Promise<void> => {
    await sink.take(readings);
    const last = readings.at(-1);
    if (last === undefined) return;
    const { by, title } = prepared;
    const { start, uncertaintyMs, basis, deviceRaw, faults } = last.time;
    const entry: PastEntry = {
      reading: last.id,
      kind: last.kind,
      title,
      by,
      time: { start, uncertaintyMs, basis, deviceRaw, faults },
      form: formOf(prepared.entryId),
      assignment,
      // A withdrawal is in the list so that its form is known; it cannot be corrected.
      isReplaced: standing === null,
    };
    await ledger.add(entry, prepared.replaces?.id ?? null);
  };

  const isDone = async (work: Promise<void>, signal: AbortSignal): Promise<boolean> => {
    const over = new AbortController();
    const patience = clock.sleep(ANSWER_WITHIN, AbortSignal.any([signal, over.signal])).then(
      () => false,
      () => false,
    );
    try {
      return await Promise.race([work.then(() => true), patience]);
    } finally {
      over.abort();
    }
  };

  const begin = (form: string, ...entry: Parameters<typeof keep>): Promise<void> => {
    const [, readings] = entry;
    const work = keep(...entry).finally(() => underWay.delete(form));
    underWay.set(form, { last: readings.at(-1)?.id, work });
    // Whoever waits hears of it; when nobody waits any more, the log does.
    work.catch((thrown: unknown) => {
      logger.warn("manual entry not stored", { code: isHubError(thrown) ? thrown.code : "aborted" });
    });
    return work;
  };

  return {
    questionnaires,
    get past() {
      return ledger.entries;
    },
    now: () => time.stamp(),
    localText: (utcMs) =>
      isoUtc(epochMs(utcMs + zone.offsetAt(utcMs)))
        .slice(0, 16)
        .replace("T", " "),
    stated: (text, at) => statedTime(text, zone, at),

    questionnaire: (name) => {
      const found = questionnaires.all.find((one) => one.id === name || nameOf(one) === name);
      if (found !== undefined) return found;
      const known = questionnaires.all.map(nameOf).join(", ") || "none";
      throw wrongEntry(`${quoted(name)} is no questionnaire of this hub`, `offered: ${known}`);
    },

    correctable: (id, entryId) => {
      const wanted = id.toLowerCase();
      const found = ledger.entries.filter(({ reading }) => wanted.length >= SHORTEST_ID && reading.startsWith(wanted));
      const [entry] = found;
      if (entry === undefined || found.length > 1) {
        const count = found.length > 1 ? "more than one reading" : "no reading";
        throw wrongEntry(`${count} of id ${quoted(id)} was entered at this hub`, "entry list has the ids");
      }
      const isSameForm = ledger.entries.some(({ form }) => form === formOf(entryId));
      if (entry.isReplaced && !isSameForm) {
        throw wrongEntry(`reading ${entry.reading} was corrected or taken back already`, "entry list has the ids");
      }
      return { id: entry.reading, kind: entry.kind, time: entry.time };
    },

    store: async (prepared, signal) => {
      const readings = readingsOf(prepared);
      const standing = prepared.content === null ? null : (readings.at(-1)?.id ?? null);
      const form = formOf(prepared.entryId);
      const last = readings.at(-1)?.id;
      const before = ledger.entries.find((one) => one.form === form);
      const now = underWay.get(form);
      if ((before !== undefined && before.reading !== last) || (now !== undefined && now.last !== last)) {
        const next = "give a new entry id, or correct that reading (entry correct)";
        throw wrongEntry("this entry id was given before with other content", next);
      }
      if (before !== undefined) return { tag: "known", reading: standing };
      const work = now?.work ?? begin(form, prepared, readings, standing);
      return { tag: (await isDone(work, signal)) ? "stored" : "waiting", reading: standing };
    },
  };
};
