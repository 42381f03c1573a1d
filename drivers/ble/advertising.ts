import type { Advertisement } from "../../protocol/ports/radio.ts";
import type { Arrival } from "../../protocol/time.ts";
import { uuidFromBytes } from "./uuid.ts";

/** One report of the controller: an advertisement or the response to a scan request. */
export interface AdvertisingReport {
  readonly address: string;
  readonly addressType: "public" | "random";
  readonly kind: "connectable" | "not-connectable" | "scan-response";
  /** Advertising data: length, type, value, repeated (Core Vol 3 Part C 11). */
  readonly data: Uint8Array;
  readonly rssi: number;
}

/** Legacy report types 0 to 4 (Core Vol 4 Part E 7.7.65.2). */
export const kindOfLegacy = (type: number): AdvertisingReport["kind"] =>
  type === 4 ? "scan-response" : type === 0 || type === 1 ? "connectable" : "not-connectable";

/** Extended report types: bit 0 connectable, bit 3 scan response (Core Vol 4 Part E 7.7.65.13). */
export const kindOfExtended = (type: number): AdvertisingReport["kind"] =>
  (type & 0x08) !== 0 ? "scan-response" : (type & 0x01) !== 0 ? "connectable" : "not-connectable";

/** Width of the UUIDs in the AD types that list services: Supplement to the Core Specification, Part A 1.1. */
const SERVICE_LISTS: ReadonlyMap<number, number> = new Map([
  [0x02, 2],
  [0x03, 2],
  [0x06, 16],
  [0x07, 16],
]);

/** Service UUIDs of advertising data. Takes any bytes: what is cut short or malformed ends the list. */
export const servicesIn = (data: Uint8Array): readonly string[] => {
  const services: string[] = [];
  for (let at = 0; at + 1 < data.length; ) {
    const length = data[at] ?? 0;
    if (length === 0 || at + 1 + length > data.length) break;
    const width = SERVICE_LISTS.get(data[at + 1] ?? 0);
    if (width !== undefined) {
      const end = at + 1 + length;
      for (let i = at + 2; i + width <= end; i += width) services.push(uuidFromBytes(data.subarray(i, i + width)));
    }
    at += 1 + length;
  }
  return services;
};

interface Heard {
  readonly connectable: boolean;
  readonly services: readonly string[];
}

/** About 0.2 kB each, so 100 kB: more addresses than are near a home at one time, however many pass by in a year. */
export const HEARD_LIMIT = 512;
/** A long list is not worth keeping: no sensor offers this many. */
const SERVICES_LIMIT = 16;

export interface Ether {
  /** The advertisement that a report makes, with what its advertiser said in other reports. */
  hear(report: AdvertisingReport, at: Arrival): Advertisement;
  /** How many advertisers are remembered; never above HEARD_LIMIT. */
  readonly remembered: number;
}

/**
 * Joins advertisements with their scan responses: whether one can connect stands in the first, services may stand in
 * either. Forgets the advertiser that was silent for longest. (noble's own gap.js keeps every address for ever.)
 */
export const createEther = (): Ether => {
  const heard = new Map<string, Heard>();
  return {
    get remembered() {
      return heard.size;
    },
    hear: (report, at) => {
      const address = report.address.toLowerCase();
      const before = heard.get(address);
      const connectable =
        report.kind === "scan-response" ? (before?.connectable ?? false) : report.kind === "connectable";
      const services = [...new Set([...(before?.services ?? []), ...servicesIn(report.data)])].slice(-SERVICES_LIMIT);
      heard.delete(address);
      heard.set(address, { connectable, services });
      if (heard.size > HEARD_LIMIT) {
        const [oldest] = heard.keys();
        if (oldest !== undefined) heard.delete(oldest);
      }
      return { address, addressType: report.addressType, connectable, services, rssi: report.rssi, at };
    },
  };
};
