import type { DraftReading, Quality } from "../../protocol/reading.ts";

/** The same reading, with one quality more where it does not have it. */
export const withQuality = (reading: DraftReading, quality: Quality): DraftReading =>
  reading.quality.includes(quality) ? reading : { ...reading, quality: [...reading.quality, quality] };
