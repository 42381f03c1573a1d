import type { Millis } from "../../protocol/time.ts";
import type { RegionEvent } from "../region/receiver.ts";
import type { Tell } from "./home-event.ts";
import type { HomeSensor } from "./home-sensor.ts";
import { bytesKey } from "./matching.ts";

/** Of one sensor's measurements, how many of the latest can be the one that a receipt speaks of. */
const RECENT = 200;

/** When the last of these bytes left the sensor; null where that is not known (any more). */
const leftAt = (sensor: HomeSensor, rawHex: string): Millis | null => {
  const key = bytesKey(rawHex);
  const packets = sensor.stream()?.clips.slice(-2) ?? [];
  const packet = packets.flatMap((clip) => clip.packets.slice(-RECENT)).findLast((one) => bytesKey(one.hex) === key);
  if (packet !== undefined) return packet.sentAt;
  const recent = sensor.truths().slice(-RECENT);
  return recent.findLast((one) => one.raws.some((raw) => bytesKey(raw) === key))?.lastByteAt ?? null;
};

/** Tell what the region saw, in the words of the home. */
export const tellOfRegion = (
  event: RegionEvent,
  sensorOf: (catalogue: string) => HomeSensor | undefined,
  tell: Tell,
): void => {
  if (event.tag === "receipt") {
    for (const { reading } of event.covered) {
      const sensor = sensorOf(reading.device.catalogue);
      const left = sensor === undefined ? null : leftAt(sensor, reading.provenance.rawHex);
      const latencyMs = left === null ? null : Math.round((event.at - left) * 10) / 10;
      tell({ event: "receipted", sensor: sensor?.name ?? null, seq: reading.seq, latencyMs });
    }
  } else if (event.tag === "refused" || event.tag === "unreadable") {
    tell({ event: "complaint", from: "region", text: `${event.tag}: ${event.reason}` });
  } else if (event.tag === "numbering-restarted") {
    tell({ event: "complaint", from: "region", text: "the hub began its numbers again" });
  } else if (event.tag === "event") {
    tell({ event: "complaint", from: "hub", text: `${event.event.code}: ${event.event.message}` });
  }
};
