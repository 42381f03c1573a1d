import type { HubError } from "../../protocol/errors.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Outbox, Settlement } from "../../protocol/ports/outbox.ts";
import type { PublishOutcome } from "../../protocol/ports/region-link.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { type CutBatch, largestPayload } from "./batch.ts";
import { createIsolation, type Quarantined, type Verdict } from "./isolation.ts";
import { createLanes } from "./lanes.ts";
import { firstPace, type Pace, paceAfterAck, paceAfterLoss, paceAfterQuota } from "./pace.ts";
import { blamesMessage } from "./reason-codes.ts";
import { createSentLedger, isCovered, type Patience, type SentBatch } from "./sent-ledger.ts";

export interface ReadingFlowOptions {
  readonly outbox: Outbox;
  readonly topic: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** False: the broker's PUBACK settles. */
  readonly receipts: boolean;
  readonly random: () => number;
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
  /** The outbox failed: hold back for a while. */
  storageFault(error: HubError): void;
}

/** A message whose receipt does not come is sent again after this, and after twice as long each further time. */
export const RECEIPT_DEADLINE = seconds(60);
/** The region has said that it misses what the broker took; it may have spoken before it looked. */
const ASKED_DEADLINE = seconds(2);
const LONGEST_PATIENCE = minutes(60);

/** Readings under way to a region that answers; 8 192 x 8 bytes of numbers, their text is not kept. */
const MOST_UNSETTLED = 8192;
/** To one that does not answer; what is sent again and again stays small. */
const MOST_UNSETTLED_IN_SILENCE = 256;
/** Live readings go on for so many more: 17 hours of one a minute. */
const LIVE_RESERVE = 1024;

/** The broker says "not now": twice as long each time, with jitter. */
const FIRST_QUOTA_PAUSE_MS = 5000;
const LONGEST_QUOTA_PAUSE_MS = 300_000;
const QUOTA_ALARM_AFTER = minutes(60);
/** The broker says "not here", or refuses everything: somebody at the region has to act first. */
const TOPIC_PAUSE = minutes(15);
/** Nobody subscribes to readings at the broker: the backlog waits, live readings are tried. */
const NO_SUBSCRIBER_PAUSE = minutes(1);
const STORAGE_PAUSE = seconds(5);
/** The region names numbers of which the outbox knows: how often the backlog lane goes back for them. */
const ASKED_REWIND_EVERY = seconds(10);

type Hold = { readonly until: Millis; readonly why: string };

export const createReadingFlow = (options: ReadingFlowOptions): ReadingFlow => {
  const { outbox, topic, clock, logger, report, receipts, random } = options;
  const ledger = createSentLedger();
  const isolation = createIsolation();
  const lanes = createLanes(outbox, (seq) => ledger.has(seq) || isolation.holds(seq));
  let pace: Pace = firstPace;
  let maximumPacketSize: number | null = null;
  let lastLane: ReadingMessage["lane"] = "backlog";
  let backlogInFlight = 0;
  /** Nothing is sent. */
  let hold: Hold | null = null;
  /** Only live readings are sent. */
  let backlogHold: Hold | null = null;
  /** How often in a row the receipt did not come. */
  let silences = 0;
  let quota: { readonly strikes: number; readonly since: Millis } | null = null;
  let rewoundAt: Millis | null = null;

  const patience = (): Patience => {
    const longer = (base: Millis): Millis => millis(Math.min(base * 2 ** Math.min(silences, 12), LONGEST_PATIENCE));
    return { unasked: longer(RECEIPT_DEADLINE), asked: longer(ASKED_DEADLINE) };
  };
  const holding = (one: Hold | null): one is Hold => one !== null && clock.elapsed() < one.until;
  const holdFor = (delay: number, why: string): Hold => ({ until: millis(clock.elapsed() + delay), why });

  const sendAgain = (batches: readonly SentBatch[]): void => {
    for (const { order } of batches) {
      const [lowest] = ledger.forget(order);
      if (lowest !== undefined) lanes.rewind(lowest);
    }
  };

  const sendOverdueAgain = (): void => {
    const overdue = ledger.overdue(patience(), clock.elapsed());
    if (overdue.length === 0) return;
    silences += 1;
    const count = overdue.reduce((sum, { seqs }) => sum + seqs.length, 0);
    logger.info("no receipt, sending again", { count, silences });
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
    hold = holdFor(TOPIC_PAUSE, `the broker refuses every reading: ${reason}; the region must look at its limits`);
    report("reading-refused", hold.why, { state: "all" });
  };

  /** The broker refused a message because of what is in it. */
  const accuse = (message: ReadingMessage, reason: string): void => {
    ledger.forget(message.batch.order);
    if (message.lane !== "suspect") isolation.accuse([message.batch.seqs]);
    judge(isolation.convict(reason), reason);
  };

  const landed = ({ lane }: ReadingMessage): void => {
    if (lane === "backlog") backlogInFlight -= 1;
  };

  const release = (message: ReadingMessage): void => {
    const [lowest] = ledger.forget(message.batch.order);
    if (lowest !== undefined && message.lane !== "suspect") lanes.rewind(lowest);
  };

  const notNow = (message: ReadingMessage, reason: string): void => {
    release(message);
    const now = clock.elapsed();
    quota = { strikes: (quota?.strikes ?? 0) + 1, since: quota?.since ?? now };
    const most = Math.min(FIRST_QUOTA_PAUSE_MS * 2 ** (quota.strikes - 1), LONGEST_QUOTA_PAUSE_MS);
    pace = paceAfterQuota(pace);
    hold = holdFor(most / 2 + (random() * most) / 2, `${reason}; readings are kept and sent more slowly`);
    logger.warn("broker asks to wait", { reason, strikes: quota.strikes });
    if (now - quota.since >= QUOTA_ALARM_AFTER) report("reading-refused", hold.why, { state: "quota" });
  };

  const taken = async (message: ReadingMessage, roundTrip: Millis): Promise<void> => {
    const { batch, lane, filled } = message;
    ledger.acknowledge(batch.order, clock.elapsed());
    pace = paceAfterAck(pace, roundTrip, filled);
    quota = null;
    if (lane === "suspect") isolation.clear();
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
      const limit = maximumPacketSize ?? 0;
      const reason = `it needs ${bytes} bytes and the broker takes packets of ${limit}`;
      judge(isolation.setAside(seq, { tag: "too-large", bytes, limit }), reason);
    }
    if (cut.seqs.length === 0) return "again";
    lastLane = lane;
    if (lane === "backlog") backlogInFlight += 1;
    const filled = cut.payload.length >= pace.bytes / 2;
    return { batch: ledger.add(cut.seqs, cut.payload.length, clock.elapsed()), payload: cut.payload, lane, filled };
  };

  const largest = (): number =>
    maximumPacketSize === null ? Number.POSITIVE_INFINITY : largestPayload(maximumPacketSize, topic);

  const nextSuspect = async (seqs: readonly Seq[]): Promise<ReadingMessage | "again"> => {
    const cut = await lanes.only(seqs, { aim: Number.POSITIVE_INFINITY, most: largest() });
    if (cut.seqs.length === 0 && cut.oversize === null) isolation.clear();
    return toMessage(cut, "suspect");
  };

  /** What fits, with one place kept free for a live reading while the backlog drains. */
  const chooseLane = ({ window }: Room): "live" | "backlog" | null => {
    const most = silences === 0 ? MOST_UNSETTLED : MOST_UNSETTLED_IN_SILENCE;
    const live = lanes.hasLive && ledger.size < most + LIVE_RESERVE;
    const place = backlogInFlight < Math.max(1, window - 1);
    const backlog = lanes.hasBacklog && ledger.size < most && place && !holding(backlogHold);
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
      if (holding(hold)) return hold.why;
      if (holding(backlogHold)) return backlogHold.why;
      return silences > 0 ? "the region sends no receipts; readings are kept and sent again" : null;
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
      backlogInFlight = 0;
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
      if (holding(hold)) return null;
      const { suspect } = isolation;
      if (suspect !== null) return room.readingsInFlight > 0 ? null : await nextSuspect(suspect);
      const lane = chooseLane(room);
      if (lane === null) return null;
      const cut = await lanes[lane]({ aim: pace.bytes, most: largest() });
      return toMessage(cut, lane);
    },
    dueAt: () => {
      const now = clock.elapsed();
      const dues = [hold?.until, backlogHold?.until, ledger.nextDue(patience())];
      const next = Math.min(...dues.filter((due): due is Millis => typeof due === "number" && due > now));
      return Number.isFinite(next) ? millis(next) : null;
    },
    settled: async (message, outcome, roundTrip) => {
      landed(message);
      switch (outcome.tag) {
        case "accepted":
          return await taken(message, roundTrip);
        case "no-subscriber":
          // The broker has it and nobody listens: the receipt will not come, and nothing counts as delivered.
          ledger.acknowledge(message.batch.order, clock.elapsed());
          if (message.lane === "suspect") isolation.clear();
          if (!holding(backlogHold)) logger.warn("nobody subscribes to readings at the broker");
          backlogHold = holdFor(NO_SUBSCRIBER_PAUSE, "the region's receiver does not listen at the broker");
          return;
        case "too-large":
          return accuse(message, `the broker takes packets of ${outcome.limit} bytes`);
        case "refused":
          if (outcome.scope === "message") return accuse(message, outcome.reason);
          if (outcome.scope === "quota") return notNow(message, outcome.reason);
          release(message);
          hold = holdFor(TOPIC_PAUSE, `${outcome.reason}; the region must let this hub write its readings`);
          logger.warn("broker does not take readings", { reasonCode: outcome.reasonCode });
          report("reading-refused", hold.why, { state: "not-authorised", reasonCode: outcome.reasonCode });
          return;
      }
    },
    applied: (receipt, settlement) => {
      const now = clock.elapsed();
      const refused = new Set<number>(receipt.refused.map(({ seq }) => seq));
      logger.info("receipt applied", { through: receipt.through, settled: settlement.settled });
      if (settlement.settled + settlement.refused > 0) silences = 0;
      sendAgain(ledger.apply(receipt, now));
      isolation.settle((seq) => isCovered(receipt, refused, seq));
      lanes.drop(receipt);
      const asked = settlement.resend.find((seq) => !ledger.has(seq) && !isolation.holds(seq));
      if (asked !== undefined && (rewoundAt === null || now - rewoundAt >= ASKED_REWIND_EVERY)) {
        rewoundAt = now;
        lanes.rewind(asked);
      }
      if (settlement.refused > 0) {
        report("reading-refused", "the region refuses readings; they are kept on the hub for the technician", {
          state: "refused",
          count: settlement.refused,
        });
      }
    },
    storageFault: (error) => {
      hold = holdFor(STORAGE_PAUSE, error.message);
      logger.error("outbox cannot be read", { code: error.code, reason: error.message });
      report("storage-fault", `the outbox cannot be read: ${error.message}`, { state: "reading" });
    },
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
  return { through: seqs.at(-1) ?? 0, refused: [], missing };
};
