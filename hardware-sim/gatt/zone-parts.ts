import { type EpochMs, epochMs } from "../../protocol/time.ts";
import { localMsIn } from "./device-clock.ts";

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
/** DST Offset, characteristic 2A0D: codes by minutes. */
const DST_CODES: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [30, 2],
  [60, 4],
  [120, 8],
]);
const UNKNOWN_DST = 255;

/** The zone of a place as the Bluetooth characteristics Time Zone (quarters of an hour) and DST Offset have it. */
export interface ZoneParts {
  readonly zoneQuarters: number;
  readonly dstOffset: number;
}

/** Standard time is the smaller of a place's two offsets in the year, those of January and July. */
export const zonePartsAt = (zone: string, at: EpochMs): ZoneParts => {
  const offset = (moment: number): number => localMsIn(zone, epochMs(moment)) - moment;
  const year = new Date(at).getUTCFullYear();
  const standard = Math.min(offset(Date.UTC(year, 0, 1)), offset(Date.UTC(year, 6, 1)));
  return {
    zoneQuarters: standard / QUARTER_MS,
    dstOffset: DST_CODES.get((offset(at) - standard) / MINUTE_MS) ?? UNKNOWN_DST,
  };
};
