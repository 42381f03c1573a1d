import type { ReleaseOutcome } from "../../protocol/desired.ts";
import type { Millis } from "../../protocol/time.ts";
import type { NetworkState } from "../region/network.ts";
import type { ReleaseContent } from "./release-publisher.ts";
import type { SensorName } from "./truth.ts";

/** What happens in the home, in the order in which it is seen. `at`: milliseconds since the home was built. */
export type HomeEvent = {
  readonly at: Millis;
} /** `measuring`: the scenario is lived. `draining`: nothing new is measured, what is under way arrives. */ & (
  | { readonly event: "phase"; readonly phase: "measuring" | "draining" }
  | { readonly event: "taken"; readonly sensor: SensorName; readonly number: number; readonly shown: string }
  | { readonly event: "stored"; readonly sensor: SensorName; readonly seq: number; readonly kind: string }
  | { readonly event: "sent"; readonly firstSeq: number; readonly lastSeq: number; readonly count: number }
  /** The region has sent the first receipt that covers a reading. `latencyMs`: since the sensor's last byte. */
  | {
      readonly event: "receipted";
      readonly sensor: SensorName | null;
      readonly seq: number;
      readonly latencyMs: number | null;
    }
  | { readonly event: "applied"; readonly through: number; readonly settled: number }
  | { readonly event: "link"; readonly state: "up" | "down"; readonly detail: string }
  | { readonly event: "network"; readonly state: NetworkState }
  | { readonly event: "broker"; readonly state: "up" | "down" }
  | { readonly event: "paired"; readonly sensor: SensorName }
  | { readonly event: "cable"; readonly sensor: SensorName; readonly plugged: boolean }
  | { readonly event: "hub"; readonly state: "started" | "ready"; readonly pid: number }
  | { readonly event: "hub"; readonly state: "ended"; readonly code: number | null; readonly signal: string | null }
  /** The region has begun to publish a release, and then wants it. */
  | { readonly event: "release-published"; readonly counter: number; readonly content: ReleaseContent }
  /** What the hub reports of its releases: what runs, and how far the update is that it is at. `reason`: a code. */
  | {
      readonly event: "release";
      readonly state: string;
      readonly campaign: string | null;
      readonly counter: number | null;
      readonly reason: string | null;
      readonly running: { readonly slot: string; readonly counter: number };
    }
  | {
      readonly event: "release-ended";
      readonly result: ReleaseOutcome["result"];
      readonly counter: number;
      readonly content: ReleaseContent;
      readonly reason: string | null;
    }
  /** Sensors that the patient leaves alone for an update from now on; none: it is over. */
  | { readonly event: "rest"; readonly sensors: readonly SensorName[] }
  /** A warning or an error in the hub's log, or something that the region does not like. */
  | { readonly event: "complaint"; readonly from: "hub" | "region"; readonly text: string }
);

/** An event without its time, which whoever passes it on adds. */
export type Tell = (event: HomeEvent extends infer E ? (E extends HomeEvent ? Omit<E, "at"> : never) : never) => void;
