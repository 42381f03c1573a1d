import { toHex } from "../../protocol/bytes.ts";
import { idemOf, readingIdOf } from "../../protocol/idem.ts";
import type { AssignmentId, HubId, ReadingId } from "../../protocol/ids.ts";
import type {
  DraftReading,
  Quality,
  ReadingDevice,
  ReadingKind,
  ReadingQuestionnaire,
  ReadingValue,
} from "../../protocol/reading.ts";
import type { Arrival } from "../../protocol/time.ts";
import { entryTime, type MeasuredTime, type StatedTime } from "./stated-time.ts";

/** Who entered it: a role, never a name. */
export type EnteredBy = "patient" | "technician";

/** Of this way of entering: its words, its ranges, and how it makes readings. */
const DRIVER = "manual-entry@1.0.0";
const CATALOGUE = "manual-entry@1";

/** What was read off is known; what it was read off is not. */
const NO_DEVICE: ReadingDevice = {
  systemId: null,
  manufacturer: null,
  model: null,
  serial: null,
  firmware: null,
  udi: null,
  catalogue: CATALOGUE,
  batteryPercent: null,
};

/** What a person entered, understood and not yet a reading. */
export interface EntryContent {
  readonly kind: ReadingKind;
  readonly values: readonly ReadingValue[];
  readonly questionnaire: ReadingQuestionnaire | null;
  readonly context: DraftReading["context"];
  /** Confirmed although it is unusual. */
  readonly isUnusual: boolean;
  readonly typed: string;
}

/** The manual reading that is put right. */
export interface Replaced {
  readonly id: ReadingId;
  readonly kind: ReadingKind;
  readonly time: MeasuredTime;
}

export interface EntryContext {
  readonly assignment: AssignmentId;
  readonly hub: { readonly id: HubId; readonly version: string };
  readonly by: EnteredBy;
  /** UUID of the form: the same form sent again is the same reading. Not published. */
  readonly entryId: string;
  readonly stated: StatedTime | null;
  readonly at: Arrival;
  readonly replaces: Replaced | null;
}

const WITHDRAWN = { values: [], questionnaire: null, context: {}, isUnusual: false, typed: "withdraw" } as const;

const readingOf = (content: EntryContent, status: DraftReading["status"], context: EntryContext): DraftReading => {
  const { kind, values, questionnaire, typed } = content;
  const { assignment, hub, by, entryId, stated, at } = context;
  const replaces = context.replaces?.id ?? null;
  const answered = questionnaire === null ? {} : { questionnaire };
  const idem = idemOf({
    assignment,
    device: `entry:${entryId}`,
    values,
    supplemental: [],
    // The time of entry is not part of it: the same form sent again comes later. What was stated is.
    when: { deviceRaw: [status, stated?.text ?? "now", replaces ?? "-", JSON.stringify(content.context)].join(" ") },
    durationMs: null,
    deviceSequence: null,
    ...answered,
  });
  const quality: Quality[] = ["manual"];
  if (content.isUnusual) quality.push("implausible");
  return {
    schema: "reading/1",
    id: readingIdOf(idem),
    idem,
    kind,
    assignment,
    status,
    replaces,
    values,
    ...answered,
    supplemental: [],
    context: content.context,
    flags: [],
    quality,
    time: entryTime(stated, context.replaces?.time ?? null, at),
    device: NO_DEVICE,
    provenance: {
      hubId: hub.id,
      hubVersion: hub.version,
      driver: DRIVER,
      transport: "manual",
      source: by,
      rawHex: toHex(new TextEncoder().encode(typed)),
    },
  };
};

/**
 * The readings of one entry, complete but for their sequence numbers. What it replaces is taken back by a reading of its
 * own, `entered-in-error`, of the replaced one's kind; `content` null takes it back and puts nothing instead. Pure.
 */
export const entryReadings = (content: EntryContent | null, context: EntryContext): readonly DraftReading[] => {
  const { replaces } = context;
  return [
    ...(replaces === null
      ? []
      : [
          // At the time of what it takes back, whatever time was stated for the right values.
          readingOf({ ...WITHDRAWN, kind: replaces.kind }, "entered-in-error", { ...context, stated: null }),
        ]),
    ...(content === null ? [] : [readingOf(content, "final", context)]),
  ];
};
