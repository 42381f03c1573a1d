import type { HubId } from "../../protocol/ids.ts";
import type { HubState } from "../../protocol/messages.ts";
import type { OutboxDepth } from "../../protocol/ports/outbox.ts";
import { type Arrival, type EpochMs, isoUtc } from "../../protocol/time.ts";
import type { HealthSample } from "./process-health.ts";

/** What `state` is made of, taken at one moment. */
export interface StateParts {
  readonly hubId: HubId;
  readonly version: string;
  readonly stamp: Arrival;
  readonly depth: OutboxDepth;
  readonly certificateEnds: EpochMs | null;
  readonly certificateRenewal?: string | null;
  readonly health: HealthSample;
  readonly sensors: { readonly configured: number; readonly ready: number };
}

/** The retained `state` message of a hub that is online. */
export const hubState = (parts: StateParts): HubState => {
  const { stamp, depth, health, certificateEnds, certificateRenewal = null } = parts;
  const renewal = certificateRenewal === null ? {} : { renewal: certificateRenewal };
  return {
    schema: "state/1",
    hubId: parts.hubId,
    online: true,
    at: stamp.utc === null ? null : isoUtc(stamp.utc),
    bootId: stamp.bootId,
    versions: { hub: parts.version, node: process.versions.node },
    clock: stamp.hubClock,
    backlog: { waiting: depth.waiting, refused: depth.refused, oldestSeq: depth.oldest },
    certificate: certificateEnds === null ? null : { notAfter: isoUtc(certificateEnds), ...renewal },
    health: {
      uptimeS: health.uptimeS,
      rssMb: health.rssMb,
      loopLagMs: health.loopLagMs,
      sensors: parts.sensors,
    },
  };
};

/** What the broker publishes when the hub is gone. Its health would be stale by then. */
export const lastWill = (state: HubState): HubState => ({ ...state, online: false, health: null });
