import type { DraftReading } from "../../protocol/reading.ts";
import { utcOfIso } from "../../protocol/time.ts";

/**
 * A measurement is sent when it is made. A sensor advertises for 10 to 30 s after it (drivers.md, radio policy 2),
 * connecting and reading take some more, and stamps may be of whole minutes: within 2 minutes it is fresh.
 */
const FRESH = 120_000;

const isStored = ({ time }: DraftReading): boolean =>
  time.start !== null &&
  time.received.utc !== null &&
  utcOfIso(time.received.utc) - utcOfIso(time.end ?? time.start) > FRESH;

/**
 * Marks as `stored` what the sensor kept before it sent it: measured more than two minutes before it came. Where the
 * time of measurement is not known nothing is claimed. Quality is no part of idem, so the same record read again stays
 * the same reading.
 */
export const withAge = (draft: DraftReading): DraftReading =>
  !isStored(draft) || draft.quality.includes("stored") ? draft : { ...draft, quality: [...draft.quality, "stored"] };
