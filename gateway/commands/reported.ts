import {
  type CatalogueReport,
  type CommandOutcome,
  type EpochView,
  encodeReported,
  type NotUnderstood,
  type RefusedCommand,
  type ReportedRelease,
} from "../../protocol/desired.ts";
import type { HubId } from "../../protocol/ids.ts";
import { epochMs, isoUtc } from "../../protocol/time.ts";
import type { Epoch, Ledger } from "../assignment/ledger.ts";
import { isPending, type JournalState } from "./journal.ts";

export interface ReportedParts {
  readonly hub: HubId;
  readonly utcMs: number | null;
  readonly ledger: Ledger;
  readonly waitingBefore: (epoch: Epoch) => number;
  readonly journal: JournalState;
  readonly refused: readonly RefusedCommand[];
  readonly updates: { readonly release: ReportedRelease | null; readonly catalogue: CatalogueReport | null };
  readonly notUnderstood: readonly NotUnderstood[];
}

/** Hand-overs and commands that the message lists; with the rest of it some 10 kB. */
const MOST_LISTED = 16;

const iso = (utcMs: number | null): string | null => (utcMs === null ? null : isoUtc(epochMs(utcMs)));

export const epochView = (epoch: Epoch, waiting: number): EpochView => ({
  epoch: epoch.number,
  from: epoch.from,
  to: epoch.to,
  series: epoch.series,
  since: epoch.since,
  begun: iso(epoch.begunMs),
  by: epoch.by,
  backlog: epoch.backlog,
  waiting,
});

/** The retained `reported` message: what is applied, and why not. */
export const reportedMessage = (parts: ReportedParts): Uint8Array => {
  const { ledger, journal, waitingBefore } = parts;
  // A technician's erase is in `erased`: the region did not ask for it.
  const asked = journal.entries.filter(({ ref }) => ref !== null).slice(-MOST_LISTED);
  return encodeReported({
    schema: "reported/1",
    hubId: parts.hub,
    at: iso(parts.utcMs),
    assignment: ledger.hub.inForce,
    epochs: ledger.epochs.slice(-MOST_LISTED).map((epoch) => epochView(epoch, waitingBefore(epoch))),
    counter: journal.counter,
    commands: asked.map((entry): CommandOutcome => {
      const { id, command, counter, progress, code, reason } = entry;
      const state = isPending(entry) ? "accepted" : progress === "done" ? "done" : "refused";
      return { id, command, counter, state, code, reason };
    }),
    refused: parts.refused,
    erased: journal.erased,
    ...parts.updates,
    notUnderstood: parts.notUnderstood,
  });
};
