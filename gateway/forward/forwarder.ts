import { type HubError, isHubError } from "../../protocol/errors.ts";
import type { HubId, Seq } from "../../protocol/ids.ts";
import type { HubEvent, HubState } from "../../protocol/messages.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import type { RegionConnector, RegionLink } from "../../protocol/ports/region-link.ts";
import { isoUtc, type Millis } from "../../protocol/time.ts";
import { topicOf } from "../../protocol/topics.ts";
import { createEventReporter } from "../ingest/event-reporter.ts";
import { createBell } from "./bell.ts";
import { converse } from "./conversation.ts";
import { createEcho } from "./echo.ts";
import type { Quarantined } from "./isolation.ts";
import { type LinkEffect, type LinkEvent, type LinkFault, type LinkState, nextLinkStep } from "./link-machine.ts";
import type { LinkStatus } from "./link-status.ts";
import { createNotices } from "./notices.ts";
import { forgetfulQuarantine, type Quarantine } from "./quarantine.ts";
import { createReadingFlow } from "./reading-flow.ts";
import { asksToStayAway } from "./reason-codes.ts";
import { createReceiptDesk } from "./receipt-desk.ts";
import { openGate, type TimeGate } from "./time-gate.ts";

export type { LinkStatus } from "./link-status.ts";

export interface ForwarderOptions {
  readonly outbox: Outbox;
  readonly connector: RegionConnector;
  readonly hub: HubId;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
  /** The state as it is now, `online: true`. */
  readonly stateOf: () => HubState;
  /** False: a PUBACK settles a reading, because the region sends no receipts. */
  readonly receipts: boolean;
  /** [0, 1), for jitter. */
  readonly random: () => number;
  /** Left out: every reading goes as it is. */
  readonly gate?: TimeGate;
  /** Left out: what is quarantined is forgotten when the process ends. */
  readonly quarantine?: Quarantine;
  /** The region's desired state and what is reported of it; left out: this hub takes none. */
  readonly desired?: { take(payload: Uint8Array): Promise<void>; reported(): Uint8Array };
}

/** Brings what is in the outbox to the region. The outbox is the only queue: whatever happens here, nothing is lost. */
export interface Forwarder {
  /**
   * Connect, and connect again, until the signal aborts; then wait a little for answers, say goodbye and resolve.
   * Rejects only where an invariant is broken. Once at a time.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Something was committed to the outbox. */
  wake(): void;
  status(): LinkStatus;
  /** Send an event as soon as there is a link; at most 100 wait, then the oldest go and are counted. */
  sendEvent(event: HubEvent): void;
  /** What is reported of the desired state is no longer what the region was told. */
  reportedChanged(): void;
  /**
   * Send a message to this hub itself (topic `echo`, which the connector has to subscribe to), and hear it again: true.
   * False where it does not come back before the link is lost or the signal aborts. Never rejects.
   */
  echo(signal: AbortSignal): Promise<boolean>;
  /** Readings that stay here because the broker does not take them. */
  quarantined(): readonly Quarantined[];
  /** Send what is quarantined once more: one, or all (null). How many. */
  retryQuarantined(seq: Seq | null): number;
}

/** Failures of `connect` that somebody has to act on: asking every few seconds would change nothing. */
const faultOf = (error: HubError): LinkFault =>
  error.code === "link-unreachable" || error.code === "link-timeout" || error.code === "link-lost"
    ? "network"
    : "refused";

export const createForwarder = (options: ForwarderOptions): Forwarder => {
  const { outbox, connector, hub, clock, time, logger, receipts, random, gate = openGate } = options;
  const { quarantine = forgetfulQuarantine, desired = null } = options;
  const topics = {
    reading: topicOf(hub, "reading"),
    receipt: topicOf(hub, "receipt"),
    desired: topicOf(hub, "desired"),
    echo: topicOf(hub, "echo"),
  };
  const bell = createBell(clock);
  const echo = createEcho(topics.echo, () => bell.ring());
  const reported = desired === null ? null : () => desired.reported();
  const notices = createNotices(hub, options.stateOf, () => outbox.depth().waiting, reported);
  const sendEvent = (event: HubEvent): void => {
    notices.add(event);
    bell.ring();
  };
  const report = createEventReporter({ clock, time, logger, send: sendEvent });
  const flow = createReadingFlow({
    outbox,
    topic: topics.reading,
    clock,
    logger,
    report,
    receipts,
    random,
    gate,
    quarantine,
  });
  const takeDesired = async (payload: Uint8Array): Promise<void> => desired?.take(payload);
  let state: LinkState = { tag: "stopped" };
  let since: Millis = clock.elapsed();
  let link: RegionLink | null = null;
  let inFlight = 0;
  let lastError: LinkStatus["lastError"] = null;
  let lastReceiptAt: string | null = null;
  /** What the last warning about the link said, so that a region that is away fills no log. */
  let warned: string | null = null;

  const nowText = (): string | null => {
    const { utc } = time.stamp();
    return utc === null ? null : isoUtc(utc);
  };

  const desk = createReceiptDesk(outbox, {
    applied: (receipt, settlement) => {
      lastReceiptAt = nowText();
      flow.applied(receipt, settlement);
      bell.ring();
    },
    ignored: (why, found) => {
      logger.warn("receipt ignored", { why, reason: found });
      report("malformed-data", `a receipt was ignored: ${found}`, { state: `receipt-${why}` });
    },
    failed: (thrown) => {
      if (!isHubError(thrown)) throw thrown;
      logger.error("receipt not applied", { code: thrown.code, reason: thrown.message });
    },
  });

  const down = (error: HubError): void => {
    lastError = { code: error.code, message: error.message, at: nowText() };
    const line = { code: error.code, reason: error.message };
    if (warned === error.message) logger.debug("link still down", line);
    else logger.warn("link down", line);
    warned = error.message;
  };

  const open = async (signal: AbortSignal): Promise<LinkEvent> => {
    try {
      link = await connector.connect(signal);
    } catch (thrown) {
      if (signal.aborted) return { tag: "stop" };
      if (!isHubError(thrown)) throw thrown;
      down(thrown);
      return { tag: "failed", fault: faultOf(thrown), roll: random() };
    }
    warned = null;
    logger.info("link up", { protocol: link.protocol });
    return { tag: "opened", at: clock.elapsed() };
  };

  const serve = async (signal: AbortSignal): Promise<LinkEvent> => {
    if (link === null) throw new Error("forwarder: no link to serve");
    const { lost, maximumPacketSize } = link;
    flow.linkUp(maximumPacketSize);
    notices.linkUp();
    echo.linkUp();
    const onInFlight = (messages: number): void => {
      inFlight = messages;
    };
    await converse(link, { flow, notices, desk, echo, takeDesired, bell, clock, topics, onInFlight }, signal);
    link = null;
    echo.linkLost();
    const reason = lost.reason as HubError;
    const isolating = flow.linkLost(reason);
    if (signal.aborted) return { tag: "stop" };
    down(reason);
    const fault = isolating ? "message" : asksToStayAway(reason.context.reasonCode) ? "refused" : "network";
    return { tag: "lost", fault, at: clock.elapsed(), roll: random() };
  };

  const perform = async (effect: LinkEffect, signal: AbortSignal): Promise<LinkEvent> => {
    switch (effect.tag) {
      case "connect":
        return await open(signal);
      case "serve":
        return await serve(signal);
      case "wait":
        try {
          await clock.sleep(effect.delay, signal);
          return { tag: "waited" };
        } catch (thrown) {
          if (!signal.aborted) throw thrown;
          return { tag: "stop" };
        }
      case "rest":
        return { tag: "stop" };
    }
  };

  const secondsSince = (at: Millis): number => Math.floor((clock.elapsed() - at) / 1000);

  return {
    wake: () => bell.ring(),
    sendEvent,
    reportedChanged: () => {
      notices.reportedChanged();
      bell.ring();
    },
    echo: echo.ask,
    quarantined: () => flow.quarantined,
    retryQuarantined: (seq) => {
      const count = flow.retry(seq);
      bell.ring();
      return count;
    },
    run: async (signal) => {
      let step = nextLinkStep({ tag: "stopped" }, { tag: "start" });
      for (;;) {
        state = step.state;
        since = clock.elapsed();
        if (step.effect.tag === "rest") return;
        const event = await perform(step.effect, signal);
        step = nextLinkStep(step.state, event);
      }
    },
    status: () => {
      const depth = outbox.depth();
      return {
        state: state.tag,
        forS: secondsSince(since),
        protocol: link?.protocol ?? null,
        nextAttemptS: state.tag === "backing-off" ? Math.ceil(state.delay / 1000) - secondsSince(since) : null,
        trouble: state.tag === "up" ? flow.trouble : (lastError?.message ?? null),
        lastError,
        inFlight,
        unsettled: flow.unsettled,
        waiting: depth.waiting,
        refused: depth.refused,
        quarantined: flow.quarantined.length,
        oldestUnsettled: depth.oldest,
        lastReceiptAt,
        receipts,
        waitingEvents: notices.waitingEvents,
        droppedEvents: notices.droppedEvents,
      };
    },
  };
};
