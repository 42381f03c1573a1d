import { isoUtc } from "../../protocol/time.ts";
import type { RenewalStatus } from "./renewal.ts";

const MINUTE_S = 60;
const HOUR_S = 3600;

const inWords = (spanS: number): string =>
  spanS < 2 * HOUR_S ? `${Math.max(1, Math.round(spanS / MINUTE_S))} min` : `${Math.round(spanS / HOUR_S)} h`;

/** One clause about the renewal, for a person; null where nothing is to be said. */
export const renewalText = (status: RenewalStatus): string | null => {
  switch (status.tag) {
    case "off":
      return null;
    case "idle":
      return status.at === null ? "renewed when the clock is set" : `renewed from ${isoUtc(status.at).slice(0, 10)}`;
    case "asking":
      return "being renewed";
    case "failing":
      return `not renewed: ${status.sentence} (next attempt in ${inWords(status.nextS)})`;
    case "trying":
      return "a new one is there, the broker has not accepted it yet";
  }
};
