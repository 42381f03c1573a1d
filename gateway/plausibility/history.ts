import type { ReadingId } from "../../protocol/ids.ts";
import type { EpochMs } from "../../protocol/time.ts";

/** A value that nothing was wrong with, in its limit's unit. */
export interface Point {
  readonly id: ReadingId;
  readonly at: EpochMs;
  readonly value: number;
}

/** Points of one quantity and assignment: some weeks of a scale. 32 of about 100 bytes. */
const MOST_POINTS = 32;

/** What was accepted, by the time of measurement whatever the order of arrival. Immutable. */
export type History = readonly Point[];

/** The newest points stay; a reading that comes again takes its old place. */
export const withPoint = (history: History, point: Point): History =>
  [...history.filter(({ id }) => id !== point.id), point].toSorted((a, b) => a.at - b.at).slice(-MOST_POINTS);

export const withoutPoint = (history: History, id: ReadingId): History =>
  history.some((point) => point.id === id) ? history.filter((point) => point.id !== id) : history;

/** The point nearest in time, before or after, other than the reading itself; null where there is none. */
export const nearestTo = (history: History, at: EpochMs, self: ReadingId): Point | null => {
  let nearest: Point | null = null;
  for (const point of history) {
    if (point.id === self) continue;
    if (nearest === null || Math.abs(point.at - at) <= Math.abs(nearest.at - at)) nearest = point;
  }
  return nearest;
};
