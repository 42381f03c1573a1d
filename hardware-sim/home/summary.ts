import type { Millis } from "../../protocol/time.ts";
import type { RegionCounts } from "../region/receiver.ts";
import type { Account, SensorAccount } from "./account.ts";
import type { Applied } from "./hub-story.ts";
import type { ReleaseCounts } from "./release-plan.ts";

/**
 * The last line of a run: what the region has, held against what the sensors know that they measured.
 *
 * `taken` are the measurements that the hub owed or delivered, `stored` and `sent` the readings that the hub numbered
 * and put on the wire (from its log, and what the region has was both), `receipted` those of which the region has sent
 * a receipt. Times are milliseconds from the sensor's last byte: `p50Ms`, `p99Ms` until that receipt was sent,
 * `appliedP50Ms`, `appliedP99Ms` until the hub had applied it; null where nothing was delivered.
 */
export interface Summary {
  readonly taken: number;
  readonly stored: number;
  readonly sent: number;
  readonly receipted: number;
  readonly lost: number;
  readonly duplicatesInEffect: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly appliedP50Ms: number | null;
  readonly appliedP99Ms: number | null;
  readonly altered: number;
  readonly unexplained: number;
  readonly interrupted: number;
  readonly disturbed: number;
  readonly duplicatesReceived: number;
  readonly gaps: number;
  readonly refused: number;
  readonly numberingRestarts: number;
  readonly drained: boolean;
  readonly hubStarts: number;
  readonly hubExitCode: number | null;
  /** The hub process alone: resident memory in its last sample, and the most in any. */
  readonly rssMb: number;
  readonly rssMostMb: number;
  readonly seconds: number;
  readonly scenario: string;
  readonly seed: number;
  /** How the releases ended that the region published. */
  readonly updates: ReleaseCounts;
  readonly perSensor: Readonly<Record<string, SensorAccount>>;
  /** Sentences about what went wrong; empty in a good run. */
  readonly problems: readonly string[];
}

/** The value below which the share `p` of the values lie (nearest rank); null for none. One decimal. */
export const percentile = (values: readonly number[], p: number): number | null => {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
  return value === undefined ? null : Math.round(value * 10) / 10;
};

export interface SummaryParts {
  readonly account: Account;
  readonly region: RegionCounts;
  /** Numbers that the hub's log called stored, and sent. */
  readonly storedSeqs: ReadonlySet<number>;
  readonly sentSeqs: ReadonlySet<number>;
  readonly applied: readonly Applied[];
  readonly acceptedSeqs: ReadonlySet<number>;
  readonly receipted: number;
  readonly drained: boolean;
  readonly hub: {
    readonly starts: number;
    readonly exitCode: number | null;
    readonly rssMb: { readonly now: number; readonly most: number };
  };
  readonly elapsed: Millis;
  readonly scenario: string;
  readonly seed: number;
  readonly updates: ReleaseCounts;
  /** Sentences about releases of the scenario that did not end as they should. */
  readonly updatesMissing: readonly string[];
}

const oneDecimal = (value: number): number => Math.round(value * 10) / 10;

const problemsOf = ({ account, region, drained, hub, updatesMissing }: SummaryParts): string[] => {
  const problems: string[] = [];
  if (account.lost > 0) problems.push(`lost: ${account.missing.join("; ")}`);
  if (account.duplicatesInEffect + region.duplicatesInEffect > 0) {
    problems.push(`a measurement took effect twice: ${account.duplicates.join("; ")}`);
  }
  if (account.altered.length > 0) problems.push(`altered: ${account.altered.join("; ")}`);
  if (account.unexplained.length > 0) problems.push(`not measured: ${account.unexplained.join("; ")}`);
  if (region.gaps > 0) problems.push(`numbers missing at the region: ${region.gaps}`);
  if (region.refused > 0) problems.push(`readings refused by the region: ${region.refused}`);
  if (region.numberingRestarts > 0) problems.push(`the hub began its numbers again ${region.numberingRestarts} times`);
  if (region.unreadable > 0) problems.push(`messages that the region could not read: ${region.unreadable}`);
  if (!drained) problems.push("not everything was delivered and settled in time");
  if (hub.exitCode !== 0)
    problems.push(`the hub ended with ${hub.exitCode === null ? "a signal" : `code ${hub.exitCode}`}`);
  return [...problems, ...updatesMissing];
};

/** Pure. A run is good when `problems` is empty. */
export const summaryOf = (parts: SummaryParts): Summary => {
  const { account, region, hub } = parts;
  const receipted: number[] = [];
  const applied: number[] = [];
  for (const { lastByteAt, accepted } of account.deliveries) {
    if (lastByteAt === null) continue;
    if (accepted.receiptedAt !== null) receipted.push(accepted.receiptedAt - lastByteAt);
    const settled = parts.applied.find((one) => one.through >= accepted.reading.seq && one.at >= accepted.receivedAt);
    if (settled !== undefined) applied.push(settled.at - lastByteAt);
  }
  return {
    taken: account.taken,
    stored: parts.storedSeqs.union(parts.acceptedSeqs).size,
    sent: parts.sentSeqs.union(parts.acceptedSeqs).size,
    receipted: parts.receipted,
    lost: account.lost,
    duplicatesInEffect: account.duplicatesInEffect + region.duplicatesInEffect,
    p50Ms: percentile(receipted, 0.5),
    p99Ms: percentile(receipted, 0.99),
    appliedP50Ms: percentile(applied, 0.5),
    appliedP99Ms: percentile(applied, 0.99),
    altered: account.altered.length,
    unexplained: account.unexplained.length,
    interrupted: account.interrupted,
    disturbed: account.disturbed,
    duplicatesReceived: region.duplicatesReceived,
    gaps: region.gaps,
    refused: region.refused,
    numberingRestarts: region.numberingRestarts,
    drained: parts.drained,
    hubStarts: hub.starts,
    hubExitCode: hub.exitCode,
    rssMb: oneDecimal(hub.rssMb.now),
    rssMostMb: oneDecimal(hub.rssMb.most),
    seconds: oneDecimal(parts.elapsed / 1000),
    scenario: parts.scenario,
    seed: parts.seed,
    updates: parts.updates,
    perSensor: account.perSensor,
    problems: problemsOf(parts),
  };
};
