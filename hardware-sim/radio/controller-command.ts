import { STATUS } from "./hci-codes.ts";
import { type FieldReader, octets } from "./little-endian.ts";

/**
 * How a controller answers: with Command Complete and its return parameters after the status, or with Command Status
 * where an event of its own reports the end (Core Vol 4 Part E 4.4). `after` runs when the answer has left.
 */
export interface Answer {
  readonly tag: "complete" | "status";
  readonly status: number;
  readonly result: Uint8Array;
  after(): void;
}

export type Command = (parameters: FieldReader) => Answer;
export type CommandTable = ReadonlyMap<number, Command>;

const nothing = (): void => undefined;
const NO_RESULT = new Uint8Array();

type Fields = readonly (number | Iterable<number>)[];

export const complete = (...result: Fields): Answer => ({
  tag: "complete",
  status: STATUS.SUCCESS,
  result: octets(...result),
  after: nothing,
});

export const completeThen = (after: () => void, ...result: Fields): Answer => ({ ...complete(...result), after });

export const failed = (status: number, ...result: Fields): Answer => ({ ...complete(...result), status });

export const accepted = (after: () => void): Answer => ({
  tag: "status",
  status: STATUS.SUCCESS,
  result: NO_RESULT,
  after,
});

export const refused = (status: number): Answer => ({ ...accepted(nothing), status });

/** Sends events to the host, where its event masks let them through. */
export interface EventSink {
  event(code: number, ...parameters: Fields): void;
  leEvent(subevent: number, ...parameters: Fields): void;
}
