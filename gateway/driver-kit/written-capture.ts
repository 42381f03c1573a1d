import type { HubClockState } from "../../protocol/time.ts";
import type { ExpectedReading } from "./capture.ts";

/** An event as its author wrote it: exactly one of the actions, which the parser checks. */
export interface WrittenEvent {
  readonly at: number;
  readonly in?: string;
  readonly text?: string;
  readonly out?: string;
  readonly value?: string;
  readonly read?: string;
  readonly write?: string;
  readonly subscribe?: string;
  readonly disconnect?: true;
  readonly stop?: true;
  readonly hex?: string;
  readonly refused?: string;
  readonly took?: number;
}

export interface WrittenValue {
  readonly quantity?: string;
  readonly mdc?: number;
  readonly value?: number;
  readonly decimals?: number;
  readonly unit?: string;
  readonly absent?: "not-a-number" | "positive-infinity" | "negative-infinity" | "error" | "unknown";
}

export type WrittenReading = Omit<ExpectedReading, "line" | "values"> & { readonly values?: readonly WrittenValue[] };

type Property = "read" | "write" | "write-without-response" | "notify" | "indicate";

/** A capture's file as its schema (capture-1.schema.json) guarantees it. */
export interface WrittenCapture {
  readonly schema: "capture/1";
  readonly about: string;
  readonly source: string;
  readonly model?: string;
  readonly driver?: string;
  readonly quirks?: readonly string[];
  readonly zone: string;
  readonly hub: { readonly clock: string; readonly state?: HubClockState };
  readonly memory?: Readonly<Record<string, string>>;
  readonly integrity?: "checksum" | "none";
  readonly link?: readonly {
    readonly service?: string;
    readonly channel: string;
    readonly properties: readonly Property[];
    readonly value?: string;
  }[];
  readonly session: readonly WrittenEvent[];
  readonly expect: {
    readonly note?: string;
    readonly readings: readonly WrittenReading[];
    readonly unreadable?: readonly { readonly channel?: string; readonly reason: string }[];
    readonly reports?: readonly string[];
    readonly memory?: Readonly<Record<string, string>>;
    readonly end?: "complete" | "disconnected" | "deadline" | "aborted";
  };
}
