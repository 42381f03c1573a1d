import type { CatalogueId, HubId, SensorId } from "../../protocol/ids.ts";
import type { OutboxDepth, UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { RadioState } from "../../protocol/ports/radio.ts";
import type { Arrival } from "../../protocol/time.ts";
import type { ClockStatus } from "../clock/hub-time.ts";
import type { CertificateView } from "../credentials/credential-source.ts";
import type { LinkStatus } from "../forward/link-status.ts";
import type { HealthSample } from "../health/process-health.ts";
import type { OutboxAccount } from "../store/account.ts";

export interface OutboxView {
  readonly depth: OutboxDepth;
  /** New readings stored since start. */
  readonly stored: number;
  readonly duplicates: number;
  readonly invalid: number;
  /** Readings in memory because the outbox refuses them. */
  readonly held: number;
  readonly trouble: string | null;
  /** Free space where the outbox lies; null where the system does not tell. */
  readonly freeMb: number | null;
}

export interface AccountView {
  readonly account: OutboxAccount;
  /** Readings that were sent on this link and are not settled. */
  readonly sent: number;
  /** What sensors have given since start. */
  readonly taken: {
    readonly stored: number;
    readonly known: number;
    readonly invalid: number;
    /** Not taken: there was no room, and they stay with the sensor. */
    readonly turnedAway: number;
  };
  /** Newest first. */
  readonly refused: readonly { readonly seq: number; readonly reason: string }[];
  /** Readings that stay here because the broker does not take them. */
  readonly quarantined: readonly { readonly seq: number; readonly reason: string }[];
}

/** The forwarder's own account of the link, and where it goes to. */
export interface LinkView extends LinkStatus {
  readonly url: string;
}

export interface RadioView {
  readonly adapter: string;
  readonly state: RadioState;
  readonly trouble: string | null;
}

export interface SensorView {
  readonly id: SensorId;
  readonly model: CatalogueId;
  readonly transport: "ble" | "serial";
  /**
   * `set-aside`: the configuration names something that cannot be read; `trouble` says why. `not-paired`, `pairing` and
   * `bond-lost`: sensors that are read only over a bonded link. `quarantined`: another sensor answers in its place.
   */
  readonly state:
    | "waiting"
    | "connected"
    | "absent"
    | "set-aside"
    | "not-paired"
    | "pairing"
    | "bond-lost"
    | "quarantined";
  /** Seconds since the hub last heard from it; null: not since start. */
  readonly seenS: number | null;
  /** Seconds since its last new reading was stored; null: not since start. */
  readonly storedS: number | null;
  readonly trouble: string | null;
}

/** A sensor nearby that is not read because it is not enrolled. */
export interface StrangerView {
  readonly what: string;
  readonly reason: string;
  readonly next: string;
  readonly seenS: number | null;
}

export interface ConsoleView {
  readonly path: string;
  readonly trouble: string | null;
}

/** What diagnostics may see of a running hub. Looking changes nothing. No reading's value passes here. */
export interface HubView {
  readonly hubId: HubId;
  readonly version: string;
  stamp(): Arrival;
  clock(): ClockStatus;
  health(): HealthSample;
  outbox(): Promise<OutboxView>;
  account(): Promise<AccountView>;
  /** The newest captures, newest first. */
  captures(count: number): Promise<readonly UnreadableCapture[]>;
  link(): LinkView;
  certificate(): Promise<CertificateView>;
  /** Null where no radio is configured. */
  radio(): RadioView | null;
  sensors(): readonly SensorView[];
  strangers(): readonly StrangerView[];
  /** Null where no console is configured. */
  console(): ConsoleView | null;
}
