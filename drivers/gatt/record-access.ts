import { type RecordAccess, recordAccessResponse } from "../decode/record-access.ts";

/** What is asked of a sensor's memory. Nothing here can delete: the hub never does. */
export type AccessRequest =
  | { readonly tag: "all" }
  /** Record `sequence` and those after it. */
  | { readonly tag: "from"; readonly sequence: number };

const REPORT = 0x01;
const ABORT = 0x03;
const ALL_RECORDS = 0x01;
const AT_LEAST = 0x03;
/** Sequence number (GLS 1.0.1 section 3.4.2) or time offset (CGMS 1.0.2 section 3.6): both 16 bits. */
const BY_NUMBER = 0x01;

export const requestBytes = (request: AccessRequest): Uint8Array =>
  request.tag === "all"
    ? Uint8Array.of(REPORT, ALL_RECORDS)
    : Uint8Array.of(REPORT, AT_LEAST, BY_NUMBER, request.sequence & 0xff, request.sequence >> 8);

/** Ends a report that does not come to its end by itself. */
export const ABORT_REPORT: Uint8Array = Uint8Array.of(ABORT, 0x00);

/** What the answer to a report means for the hub. */
export type AccessAnswer =
  /** All that was asked for has been sent; nothing found is a success too. */
  | "told"
  /** The sensor does not know this kind of question, but may know the simplest one. */
  | "too-special"
  /** The sensor gave up; it may be asked again. */
  | "not-completed"
  /** Its memory cannot be read in this way. */
  | "unable"
  /** Not an answer to a report. */
  | "other";

export const answerOf = (heard: RecordAccess, request: AccessRequest): AccessAnswer => {
  if (heard.tag !== "response" || heard.requestOpcode !== REPORT) return "other";
  switch (recordAccessResponse(heard.responseCode)) {
    case "success":
    case "no-records-found":
      return "told";
    case "procedure-not-completed":
    case "reserved":
    case "abort-unsuccessful":
      return "not-completed";
    default:
      return request.tag === "from" ? "too-special" : "unable";
  }
};

/**
 * ATT errors with which a sensor puts a request off: a procedure in progress, subscriptions not as they must be. The
 * Glucose Service has its own numbers (GLS 1.0.1 section 1.6), later services the common ones (Core Supplement Part B).
 */
const PUT_OFF: ReadonlySet<unknown> = new Set([0x80, 0x81, 0xfd, 0xfe]);

export const isPutOff = (attError: unknown): boolean => PUT_OFF.has(attError);
