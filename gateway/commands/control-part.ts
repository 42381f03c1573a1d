import type { HubId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import type { AssignmentView } from "../assignment/assignment-command.ts";
import { attributed } from "../assignment/before-hand-over.ts";
import { createEpochGate, type EpochGate } from "../assignment/epoch-gate.ts";
import { begunOf, type Epoch } from "../assignment/ledger.ts";
import type { Quarantined } from "../forward/isolation.ts";
import type { TimeGate } from "../forward/time-gate.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { SqliteOutbox } from "../store/outbox.ts";
import { readCommandKeys } from "./command-keys.ts";
import type { Control, Happened } from "./control.ts";
import { createCommandDesk, type DesiredPart } from "./desk.ts";
import { type ReportedParts, reportedMessage } from "./reported.ts";

export interface ControlPartOptions {
  readonly hub: HubId;
  readonly control: Control;
  readonly outbox: SqliteOutbox;
  /** Files with the region's public keys. */
  readonly commandKeys: readonly string[];
  readonly timeGate: TimeGate;
  readonly quarantined: () => readonly Quarantined[];
  readonly time: HubTime;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** Stop the parts: something has to be done while none works. */
  readonly onDue: () => void;
  readonly onReportedChanged: () => void;
  /** Parts of the desired state besides commands, by name: each proves itself, or cannot harm. */
  readonly parts: ReadonlyMap<string, DesiredPart>;
  /** What came as signed targets. */
  readonly updates: () => ReportedParts["updates"];
}

/** What of the region's desired state works while the parts of a hub do: one for each run. */
export interface ControlPart {
  readonly gate: EpochGate;
  readonly view: AssignmentView;
  readonly desired: { take(payload: Uint8Array): Promise<void>; reported(): Uint8Array };
  /** Whose the reading is, before it is judged and stored. */
  attribute(reading: DraftReading): DraftReading;
  /** A technician's erase: see Control. */
  erase(waiting: number): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

const epochSentence = ({ number, backlog }: Epoch): string =>
  `from now on readings are of another assignment (epoch ${number}); what the former one left: ${backlog}`;

const eventOf = (one: Happened): Parameters<ReportEvent> => {
  switch (one.tag) {
    case "epoch": {
      const { number, since, by, backlog } = one.epoch;
      return ["assignment-changed", epochSentence(one.epoch), { epoch: number, since, by, backlog }];
    }
    case "erased": {
      const { series, lastSeq, waiting, refused, key, by } = one.erased;
      const sentence = `everything measured on this hub was destroyed: ${waiting} readings that nobody has received`;
      return ["data-erased", sentence, { series, lastSeq, waiting, refused, key, by }];
    }
    case "ended": {
      const { id, command, progress, code, reason } = one.entry;
      if (progress === "done") {
        return ["command-done", `the command ${command} is carried out`, { command, id, state: command }];
      }
      return ["command-refused", `the command ${command} was refused: ${reason ?? ""}`, { command, id, state: code }];
    }
  }
};

export const createControlPart = (options: ControlPartOptions): ControlPart => {
  const { hub, control, outbox, time, clock, logger, report, onDue, onReportedChanged } = options;
  const { assignments, journal, kinds } = control;

  const gate = createEpochGate({
    time: options.timeGate,
    ledger: () => assignments.ledger,
    outbox,
    quarantined: options.quarantined,
    onDelivered: ({ number }) => {
      logger.info("readings from before the hand-over are delivered", { count: number });
      report("assignment-changed", `what was measured before epoch ${number} is delivered`, {
        epoch: number,
        state: "recovered",
      });
      onReportedChanged();
    },
  });
  const desk = createCommandDesk({
    hub,
    keys: () => readCommandKeys(options.commandKeys),
    journal,
    kinds,
    parts: options.parts,
    situation: () => ({ ledger: assignments.ledger, waiting: outbox.depth().waiting }),
    time,
    clock,
    logger,
    report,
    onDue,
    onChanged: onReportedChanged,
  });

  return {
    gate,
    view: {
      get ledger() {
        return assignments.ledger;
      },
      waitingBefore: gate.waitingBefore,
    },
    desired: {
      take: desk.take,
      reported: () =>
        reportedMessage({
          hub,
          utcMs: time.stamp().utc,
          ledger: assignments.ledger,
          waitingBefore: gate.waitingBefore,
          journal: journal.state,
          refused: desk.refused,
          updates: options.updates(),
          notUnderstood: desk.notUnderstood,
        }),
    },
    attribute: (reading) => {
      const { utc } = time.stamp();
      if (utc !== null) assignments.trusted(utc);
      const one = attributed(reading, begunOf(assignments.ledger, reading.assignment));
      if (one !== reading) {
        const sentence = "a sensor gave what was measured before the hand-over; it is delivered as nobody's";
        report("reading-unassigned", sentence, { kind: reading.kind });
      }
      return one;
    },
    erase: async (waiting) => {
      await control.erase(waiting, outbox);
      onDue();
    },
    run: async (signal) => {
      for (const one of control.happened()) report(...eventOf(one));
      await desk.run(signal);
    },
  };
};
