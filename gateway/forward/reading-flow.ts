import type { HubError } from "../../protocol/errors.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Outbox, Settlement } from "../../protocol/ports/outbox.ts";
import type { PublishOutcome } from "../../protocol/ports/region-link.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { type CutBatch, largestPayload } from "./batch.ts";
import {
  createIsolation,
  type QuarantineCause,
  type Quarantined,
  quarantineReason,
  type Verdict,
} from "./isolation.ts";
import { createLanes } from "./lanes.ts";
import {
  firstPace,
  MOST_LIVE_IN_FLIGHT,
  type Pace,
  paceAfterAck,
  paceAfterLoss,
  paceAfterQuota,
  placesOfBacklog,
} from "./pace.ts";
import type { Quarantine } from "./quarantine.ts";
import { blamesMessage } from "./reason-codes.ts";
import { createRestraint } from "./restraint.ts";
import { createSentLedger, isCovered, type SentBatch } from "./sent-ledger.ts";
import type { TimeGate } from "./time-gate.ts";

export interface ReadingFlowOptions {
  readonly outbox: Outbox;
  readonly topic: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** False: the broker's PUBACK settles. */
  readonly receipts: boolean;
  readonly random: () => number;
  /** Which readings have to wait for the hub's clock, and with which times the others go. */
  readonly gate: TimeGate;
  /** Readings that no broker took before this process began, and where to note them. */
  readonly quarantine: Quarantine;
}

/** A message with readings, ready to be sent. */
export interface ReadingMessage {
  readonly batch: SentBatch;
  readonly payload: Uint8Array;
  /** A suspect is sent alone, to find out what the broker refuses. */
  readonly lane: "live" | "backlog" | "suspect";
  /** It holds as much as the pace allows. */
  readonly filled: boolean;
}

/** What the link can take now. */
export interface Room {
  /** Messages that may be in flight; at least one more than are. */
  readonly window: number;
  readonly readingsInFlight: number;
}

/** Which readings are sent when, and what becomes of them. It outlives links; at most one link uses it at a time. */
export interface ReadingFlow {
  readonly window: number;
  readonly quarantined: readonly Quarantined[];
  /** Readings that were sent and are not settled. */
  readonly unsettled: number;
  /** Why readings are held back, as a sentence; null where they are not. */
  readonly trouble: string | null;
  linkUp(maximumPacketSize: number | null): void;
  /** Returns true where the link broke because of a message that is now being isolated. */
  linkLost(reason: HubError): boolean;
  /**
   * The next message; null where there is none now, `again` where the look was in vain and another may not be. Rejects
   * where the outbox cannot be read.
   */
  next(room: Room): Promise<ReadingMessage | null | "again">;
  /** It was not sent after all. */
  takeBack(message: ReadingMessage): void;
  /** When to look again without being told; null for never. */
  dueAt(): Millis | null;
  settled(message: ReadingMessage, outcome: PublishOutcome, roundTrip: Millis): Promise<void>;
  applied(receipt: Receipt, settlement: Settlement): void;
  /** Send what is quarantined once more: one, or all (null). How many. */
  retry(seq: Seq | null): number;
  /** The outbox failed: hold back for a while. */
  storageFault(error: HubError): void;
}

/** Live readings go on where the backlog has to wait for receipts: 17 hours of one a minute. */
const LIVE_RESERVE = 1024;
/** The region names numbers of which the outbox knows: how often the backlog lane goes back for them. */
const ASKED_REWIND_EVERY = seconds(10);

export const createReadingFlow = (options: ReadingFlowOptions): ReadingFlow => {
  const { outbox, topic, clock, logger, report, receipts, random, gate } = options;
  const ledger = createSentLedger();
  const isolation = createIsolation(options.quarantine.known, options.quarantine.save);
  const restraint = createRestraint({ clock, logger, report, random });
  const isTaken = (seq: Seq): boolean => ledger.has(seq) || isolation.holds(seq) || gate.isHeld(seq);
  const lanes = createLanes(outbox, isTaken, gate);
  let pace: Pace = firstPace;
  let maximumPacketSize: number | null = null;
  let lastLane: ReadingMessage["lane"] = "backlog";
  const inFlight = { live: 0, backlog: 0, suspect: 0 };
  let lookedAt: Millis | null = null;

  const sendAgain = (batches: readonly SentBatch[]): void => {
    for (const { order } of batches) {
      const [lowest] = ledger.forget(order);
      if (lowest !== undefined) lanes.rewind(lowest);
    }
  };

  const sendOverdueAgain = (): void => {
    const overdue = ledger.overdue(restraint.patience, clock.elapsed());
    if (overdue.length === 0) return;
    restraint.unanswered(overdue.reduce((sum, { seqs }) => sum + seqs.length, 0));
    sendAgain(overdue);
  };

  const judge = (verdict: Verdict, reason: string): void => {
    if (verdict.tag === "split") return;
    if (verdict.tag === "quarantined") {
      const { seq } = verdict;
      logger.warn("reading quarantined", { seq, reason });
      report("reading-quarantined", `the broker does not take a reading: ${reason}; it stays on the hub`, {
        seq,
        quarantined: isolation.quarantined.length,
      });
      return;
    }
    lanes.rewind(verdict.from);
    restraint.nothingAtAll(reason);
  };

  /** The broker refused a message because of what is in it. */
  const accuse = (message: ReadingMessage, reason: string): void => {
    ledger.forget(message.batch.order);
    if (message.lane !== "suspect") isolation.accuse([message.batch.seqs]);
    judge(isolation.convict(reason), reason);
  };

  const landed = ({ lane }: ReadingMessage): void => {
    inFlight[lane] -= 1;
  };

  const release = (message: ReadingMessage): void => {
    const [lowest] = ledger.forget(message.batch.order);
    if (lowest !== undefined && message.lane !== "suspect") lanes.rewind(lowest);
  };

  /** Not suspect any more; what of it was not sent just now is the lanes' again. */
  const clearSuspect = (): void => {
    const [first] = isolation.suspect ?? [];
    isolation.clear();
    if (first !== undefined) lanes.rewind(first);
  };

  const taken = async (message: ReadingMessage, roundTrip: Millis): Promise<void> => {
    const { batch, lane, filled } = message;
    ledger.acknowledge(batch.order, clock.elapsed());
    pace = paceAfterAck(pace, roundTrip, filled);
    restraint.accepted();
    if (lane === "suspect") clearSuspect();
    else isolation.accepted();
    const [firstSeq, lastSeq] = [batch.seqs[0], batch.seqs.at(-1)];
    logger.info("batch sent", { firstSeq, lastSeq, count: batch.seqs.length });
    if (receipts || firstSeq === undefined || lastSeq === undefined) return;
    await outbox.settle(receiptFor(batch.seqs));
    ledger.forget(batch.order);
  };

  const toMessage = (cut: CutBatch, lane: ReadingMessage["lane"]): ReadingMessage | "again" => {
    if (cut.oversize !== null) {
      const { seq, bytes } = cut.oversize;
      const cause: QuarantineCause = { tag: "too-large", bytes, limit: maximumPacketSize ?? 0 };
      judge(isolation.setAside(seq, cause), quarantineReason(cause));
    }
    if (cut.seqs.length === 0) return "again";
    lastLane = lane;
    inFlight[lane] += 1;
    const filled = cut.payload.length >= pace.bytes / 2;
    return { batch: ledger.add(cut.seqs, cut.payload.length, clock.elapsed()), payload: cut.payload, lane, filled };
  };

  const largest = (): number =>
    maximumPacketSize === null ? Number.POSITIVE_INFINITY : largestPayload(maximumPacketSize, topic);

  const nextSuspect = async (seqs: readonly Seq[]): Promise<ReadingMessage | "again"> => {
    const cut = await lanes.only(seqs, { aim: Number.POSITIVE_INFINITY, most: largest() });
    if (cut.oversize === null && cut.seqs.length > 0) return toMessage(cut, "suspect");
    // Gone from the outbox meanwhile, or too large for this broker: the lanes will see.
    clearSuspect();
    return "again";
  };

  /** What fits, with places kept free for live readings while the backlog drains. */
  const chooseLane = ({ window }: Room): "live" | "backlog" | null => {
    const most = restraint.mostUnsettled;
    const live = lanes.hasLive && ledger.size < most + LIVE_RESERVE && inFlight.live < MOST_LIVE_IN_FLIGHT;
    const place = inFlight.backlog < placesOfBacklog(window);
    const backlog = lanes.hasBacklog && ledger.size < most && place && !restraint.holdsBacklog;
    // A flood of live readings must not starve the backlog; one reading now and then goes first.
    if (live && backlog) return lastLane === "live" ? "backlog" : "live";
    return live ? "live" : backlog ? "backlog" : null;
  };

  return {
    get window() {
      return pace.window;
    },
    get quarantined() {
      return isolation.quarantined;
    },
    get unsettled() {
      return ledger.size;
    },
    get trouble() {
      return restraint.trouble;
    },
    linkUp: (limit) => {
      maximumPacketSize = limit;
      const freed = isolation.freeUpTo(limit);
      if (freed !== null) lanes.rewind(freed);
    },
    linkLost: (reason) => {
      const flying = ledger.inFlight;
      const blamed = flying.length > 0 && blamesMessage(reason.context.reasonCode);
      if (blamed) {
        // Of several, the broker does not say which: each will be tried alone. A suspect already was.
        isolation.accuse(flying.map(({ seqs }) => seqs));
        if (flying.length === 1) judge(isolation.convict(reason.message), reason.message);
      } else if (flying.length > 0) {
        pace = paceAfterLoss(pace, Math.max(...flying.map(({ bytes }) => bytes)));
      }
      Object.assign(inFlight, { live: 0, backlog: 0, suspect: 0 });
      const lowest = ledger.clear();
      if (lowest !== null) lanes.rewind(lowest);
      return blamed;
    },
    takeBack: (message) => {
      landed(message);
      release(message);
    },
    next: async (room) => {
      sendOverdueAgain();
      for (const seq of gate.freed()) lanes.rewind(seq);
      if (restraint.holdsAll) return null;
      const { suspect } = isolation;
      if (suspect !== null) return room.readingsInFlight > 0 ? null : await nextSuspect(suspect);
      let lane = chooseLane(room);
      // Reading takes a trip to the disk: a live reading that comes meanwhile goes first.
      if (lane === "backlog" && (await lanes.prepareBacklog())) lane = chooseLane(room);
      if (lane === null) return null;
      const cut = await lanes[lane]({ aim: pace.bytes, most: largest() });
      return toMessage(cut, lane);
    },
    dueAt: () => {
      const wait = gate.wait();
      const dues = [
        ledger.nextDue(restraint.patience),
        restraint.endsAt,
        wait === null ? null : millis(clock.elapsed() + wait),
      ].filter((due) => due !== null);
      return dues.length === 0 ? null : millis(Math.min(...dues));
    },
    settled: async (message, outcome, roundTrip) => {
      landed(message);
      switch (outcome.tag) {
        case "accepted":
          return await taken(message, roundTrip);
        case "no-subscriber":
          // The broker has it and nobody listens: the receipt will not come, and nothing counts as delivered.
          ledger.acknowledge(message.batch.order, clock.elapsed());
          if (message.lane === "suspect") clearSuspect();
          restraint.nobodyListens();
          return;
        case "too-large":
          return accuse(message, `the broker takes packets of ${outcome.limit} bytes`);
        case "refused":
          if (outcome.scope === "message") return accuse(message, outcome.reason);
          release(message);
          if (outcome.scope === "topic") return restraint.notHere(outcome.reason, outcome.reasonCode);
          pace = paceAfterQuota(pace);
          return restraint.notNow(outcome.reason);
      }
    },
    applied: (receipt, settlement) => {
      const now = clock.elapsed();
      const refused = new Set<number>(receipt.refused.map(({ seq }) => seq));
      logger.info("receipt applied", { through: receipt.through, settled: settlement.settled });
      if (settlement.settled + settlement.refused > 0) restraint.answered();
      sendAgain(ledger.apply(receipt, now));
      isolation.settle((seq) => isCovered(receipt, refused, seq));
      lanes.drop(receipt);
      if (settlement.resend.length > 0 && (lookedAt === null || now - lookedAt >= ASKED_REWIND_EVERY)) {
        const asked = settlement.resend.find((seq) => !isTaken(seq));
        lookedAt = now;
        if (asked !== undefined) lanes.rewind(asked);
      }
      if (settlement.refused > 0) {
        report("reading-refused", "the region refuses readings; they are kept on the hub for the technician", {
          state: "refused",
          count: settlement.refused,
        });
      }
    },
    retry: (seq) => {
      const { count, lowest } = isolation.release(seq);
      if (lowest !== null) lanes.rewind(lowest);
      return count;
    },
    storageFault: restraint.storageFault,
  };
};

/** What the region would say about exactly these readings: all below that are not among them are missing. */
export const receiptFor = (seqs: readonly Seq[]): Receipt => {
  const missing: [Seq, Seq][] = [];
  let expected = 1;
  for (const seq of seqs) {
    if (seq > expected) missing.push([expected as Seq, (seq - 1) as Seq]);
    expected = seq + 1;
  }
  return { series: null, through: seqs.at(-1) ?? 0, refused: [], missing };
};
