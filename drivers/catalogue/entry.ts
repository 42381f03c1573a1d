import type { CatalogueId, DriverId } from "../../protocol/ids.ts";
import type { SerialLine } from "../serial/serial-transport.ts";
import type { FirmwareRange } from "./firmware.ts";

/** `withdrawn`: never read again. `not-certified`: read unless the configuration asks for certified models only. */
export type EntryStatus = "certified" | "not-certified" | "withdrawn";

interface CommonEntry {
  readonly id: CatalogueId;
  readonly version: string;
  readonly manufacturer: string;
  readonly model: string;
  /** UDI device identifier (GTIN); null where it is not known. Never invented. */
  readonly udiDi: string | null;
  /** Absent: see `statusOf`. */
  readonly status?: EntryStatus;
  /** There if and only if the status is `withdrawn`; the date as YYYY-MM-DD. */
  readonly withdrawn?: { readonly date: string; readonly reason: string };
  readonly driver: DriverId;
  readonly pairing: "none" | "just-works" | "passkey" | "numeric-comparison";
  /** Deviations of this model that its driver knows by name (quirks.ts). */
  readonly quirks: readonly string[];
  /** Null where nothing certain is known. */
  readonly certification: {
    readonly scheme: string | null;
    readonly class: string | null;
    /** Firmware revisions, both ends included, that the certificate is about; null: every one. */
    readonly firmware: FirmwareRange | null;
  };
  /** Names of the code table (protocol/codes.json) that the model measures. */
  readonly quantities: readonly string[];
  readonly sources: readonly string[];
}

/** A model that the hub reads over Bluetooth Low Energy. */
export interface BleEntry extends CommonEntry {
  readonly transport: "ble";
  /** Services advertised, 16-bit as four hex digits, others as 32; and how the model number begins, where it tells. */
  readonly recognise: { readonly ble: { readonly services: readonly string[]; readonly model: string | null } };
}

/** A model that the hub reads over a serial port. */
export interface SerialEntry extends CommonEntry {
  readonly transport: "serial";
  /** USB identity of its own adapter; null where it comes on any port. */
  readonly recognise: { readonly usb: { readonly vendor: string; readonly product: string } | null };
  readonly line: SerialLine;
}

/** One device model: data, not code. Its file is described by entry-1.schema.json. */
export type CatalogueEntry = BleEntry | SerialEntry;

/** An entry that does not say its status is certified where a scheme stands for it, and not certified otherwise. */
export const statusOf = ({ status, certification }: Pick<CatalogueEntry, "status" | "certification">): EntryStatus =>
  status ?? (certification.scheme === null ? "not-certified" : "certified");
