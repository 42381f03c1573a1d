import type { Entries } from "../entry/open-entries.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { SensorParts } from "../sensors.ts";
import type { CareLeases } from "./care-leases.ts";

/** Where a hub shows that somebody measures, enters or pairs something at this moment. */
export interface CareSources {
  readonly leases: Pick<CareLeases, "held">;
  readonly sensors: Pick<SensorParts, "sensors">;
  readonly entries: { readonly [channel in "socket" | "console"]: Pick<Entries["socket"], "unfinished"> };
  readonly ingest: Pick<Ingest, "status">;
}

/**
 * What a restart would interrupt now, in words for `measuring` of careComesFirst; null: nothing. Each ends by itself:
 * leases expire, a pairing window after 120 s, what somebody has begun to enter after 15 min. Only what the disk refuses
 * to take has no end: readings that are nowhere but in memory would be lost.
 */
export const measuringNow = ({ leases, sensors, entries, ingest }: CareSources): string | null => {
  const held = leases.held();
  if (held !== null) return `${held.what} is measuring`;
  if (ingest.status().held > 0) return "readings wait in memory because the disk does not take them";
  const paired = sensors.sensors().find(({ state }) => state === "pairing");
  if (paired !== undefined) return `sensor ${paired.id} is being paired`;
  const isEntering = [entries.socket, entries.console].some(
    ({ unfinished }) => unfinished.waiting.length > 0 || unfinished.form !== null,
  );
  return isEntering ? "somebody is entering a reading by hand" : null;
};
