import type { Advertisement } from "../../protocol/ports/radio.ts";
import { type Millis, minutes } from "../../protocol/time.ts";

/** Glucose, Health Thermometer, Blood Pressure, Body Composition, Weight Scale, CGM, Pulse Oximeter. */
export const MEDICAL_SERVICES: ReadonlySet<string> = new Set(["1808", "1809", "1810", "181b", "181d", "181f", "1822"]);

const SAME_AGAIN: Millis = minutes(60);
/** Addresses remembered, about 0.1 kB each; the one reported first is forgotten first. */
export const REMEMBERED_LIMIT = 256;
/**
 * Reports an hour, whatever the addresses: a neighbour's phone has a new one every 15 minutes, and somebody may send
 * thousands on purpose.
 */
export const REPORTS_PER_HOUR = 20;

export interface UnknownAdvertisers {
  /** The medical service of an advertiser that is not enrolled, where it is due to be reported; else null. */
  notice(advertisement: Advertisement, now: Millis): string | null;
  /** Advertisements with a medical service, of advertisers that are not enrolled. */
  readonly heard: number;
  readonly reported: number;
  /** Addresses remembered; never above REMEMBERED_LIMIT. */
  readonly remembered: number;
}

/** Says once an hour for each address that there is a medical sensor nearby that is not enrolled. */
export const createUnknownAdvertisers = (): UnknownAdvertisers => {
  const reportedAt = new Map<string, Millis>();
  const recent: Millis[] = [];
  let heard = 0;
  let reported = 0;

  const mayReport = (now: Millis): boolean => {
    while (recent[0] !== undefined && now - recent[0] >= SAME_AGAIN) recent.shift();
    return recent.length < REPORTS_PER_HOUR;
  };

  return {
    get heard() {
      return heard;
    },
    get reported() {
      return reported;
    },
    get remembered() {
      return reportedAt.size;
    },
    notice: ({ address, services }, now) => {
      const service = services.find((one) => MEDICAL_SERVICES.has(one));
      if (service === undefined) return null;
      heard += 1;
      const before = reportedAt.get(address);
      if ((before !== undefined && now - before < SAME_AGAIN) || !mayReport(now)) return null;
      reported += 1;
      recent.push(now);
      reportedAt.delete(address);
      reportedAt.set(address, now);
      const [oldest] = reportedAt.keys();
      if (reportedAt.size > REMEMBERED_LIMIT && oldest !== undefined) reportedAt.delete(oldest);
      return service;
    },
  };
};
