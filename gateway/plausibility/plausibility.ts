import type { AssignmentId, SensorId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import type { LimitConfig } from "../config/hub-config.ts";
import { type History, withoutPoint, withPoint } from "./history.ts";
import { findingsOf, pointsOf, withFindings } from "./judge.ts";
import { type LimitTable, limitsOf, tableOf } from "./limits.ts";

export interface PlausibilityOptions {
  readonly limits: readonly LimitConfig[];
  /** The patient's memory on each sensor that several people use. */
  readonly userSlots: ReadonlyMap<SensorId, number>;
  readonly logger: Logger;
}

/**
 * Says what is doubtful of a reading before it is stored. A value is never altered and a reading never dropped: only its
 * quality gets `implausible` (it cannot be of a body) or `unconfirmed` (it may be of another body) beside what it had.
 *
 * Jumps are measured against what was accepted before, nearest in time, of the same quantity and assignment. That is kept
 * in memory and nowhere else: values of patients lie on the disk only as readings that wait for the region. After a start
 * it knows what still waits (`learn`), and else begins anew: the first reading is then compared with none.
 */
export interface Plausibility {
  /** `sensor` null: entered by hand, or of no sensor in particular. */
  judge(sensor: SensorId | null, reading: DraftReading): DraftReading;
  /** A reading that was judged before this process began. */
  learn(reading: DraftReading): void;
}

/** Assignments times quantities whose values are remembered: a home has at most 65 and some three with jumps. */
const MOST_HISTORIES = 256;

export const createPlausibility = ({ limits, userSlots, logger }: PlausibilityOptions): Plausibility => {
  const tables = new Map<AssignmentId, LimitTable>();
  const histories = new Map<string, History>();

  /** Assignments come from the configuration, so these are few; another one may come with a reading that was stored. */
  const tableFor = (assignment: AssignmentId): LimitTable => {
    const known = tables.get(assignment);
    if (known !== undefined) return known;
    const table = tableOf(limitsOf(limits, assignment));
    if (tables.size < MOST_HISTORIES) tables.set(assignment, table);
    return table;
  };
  const keyOf = (assignment: AssignmentId, limit: string): string => `${assignment} ${limit}`;

  const remember = (reading: DraftReading): void => {
    const { assignment, replaces } = reading;
    if (replaces !== null) for (const [key, history] of histories) histories.set(key, withoutPoint(history, replaces));
    for (const [limit, point] of pointsOf(reading, tableFor(assignment))) {
      const key = keyOf(assignment, limit);
      const history = withPoint(histories.get(key) ?? [], point);
      histories.delete(key);
      histories.set(key, history);
      const oldest = histories.keys().next();
      if (histories.size > MOST_HISTORIES && oldest.done !== true) histories.delete(oldest.value);
    }
  };

  return {
    judge: (sensor, reading) => {
      const { assignment } = reading;
      const findings = findingsOf(reading, {
        limits: tableFor(assignment),
        history: (limit) => histories.get(keyOf(assignment, limit)) ?? [],
        userSlot: sensor === null ? null : (userSlots.get(sensor) ?? null),
      });
      const judged = withFindings(reading, findings);
      remember(judged);
      // Which quantity is outside would say something of its value.
      const reasons = new Set(findings.map(({ tag }) => tag));
      if (reasons.size > 0)
        logger.info("reading flagged", { sensor, kind: reading.kind, reason: [...reasons].join(", ") });
      return judged;
    },
    learn: remember,
  };
};
