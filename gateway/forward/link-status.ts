import type { Seq } from "../../protocol/ids.ts";
import type { RegionLink } from "../../protocol/ports/region-link.ts";
import type { LinkState } from "./link-machine.ts";

/** The link to the region and what is under way on it, for people and diagnostics. No reading's value is in it. */
export interface LinkStatus {
  readonly state: LinkState["tag"];
  /** Whole seconds in this state. */
  readonly forS: number;
  readonly protocol: RegionLink["protocol"] | null;
  /** Whole seconds to the next attempt; null unless backing off. */
  readonly nextAttemptS: number | null;
  /** Why there is no link, or why readings wait although there is one; null where all is well. */
  readonly trouble: string | null;
  /** The last failure of the link, also after it is up again. `at` is null where the clock was not trusted. */
  readonly lastError: { readonly code: string; readonly message: string; readonly at: string | null } | null;
  /** Messages without a PUBACK. */
  readonly inFlight: number;
  /** Readings sent on this link and not settled. */
  readonly unsettled: number;
  /** Readings in the outbox that the region has not accounted for. */
  readonly waiting: number;
  readonly refused: number;
  /** Readings that no broker took so far; they are among the waiting. */
  readonly quarantined: number;
  readonly oldestUnsettled: Seq | null;
  readonly lastReceiptAt: string | null;
  /** False: the broker's PUBACK settles a reading. */
  readonly receipts: boolean;
  readonly waitingEvents: number;
  readonly droppedEvents: number;
}
