import type { HubId } from "../../protocol/ids.ts";
import { encodeMessage, type HubEvent, type HubState } from "../../protocol/messages.ts";
import type { OutboundMessage, PublishOutcome } from "../../protocol/ports/region-link.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import { topicOf } from "../../protocol/topics.ts";

export interface Notice {
  readonly topic: "state" | "reported" | "event";
  readonly message: OutboundMessage;
  /** What became of it; null: the link was lost first. */
  settle(outcome: PublishOutcome | null, at: Millis): void;
}

/** The messages that are not readings: the retained state, what is reported of the desired state, and events. One of them is under way at a time. */
export interface Notices {
  /** A new link: the birth is due, and what was refused before may be tried again. */
  linkUp(): void;
  /** The next one to send; null where nothing is due, or one is under way. */
  next(at: Millis): Notice | null;
  /** When the next one is due; null where that depends on something else. */
  dueAt(): Millis | null;
  add(event: HubEvent): void;
  /** What is reported is no longer what the region was told. */
  reportedChanged(): void;
  /** The retained goodbye: what the last will would say. */
  goodbye(): OutboundMessage;
  readonly waitingEvents: number;
  readonly droppedEvents: number;
}

/** Events that wait for a link; beyond it the oldest go, and are counted. */
export const MOST_EVENTS = 100;
/** The region sees within two of these that a hub hangs. */
const STATE_EVERY = minutes(1);
/** A backlog that crosses one of these is told at once: the region sees a storm coming, and its end. */
const BACKLOG_MARKS = [100, 1000, 10_000, 40_000] as const;
/** A backlog that dances on a mark is told this often. */
const STATE_SPACING = seconds(5);
/** A topic that is refused is tried again, in case the region gives access meanwhile. */
const REFUSED_PAUSE = minutes(15);

const markOf = (waiting: number): number => BACKLOG_MARKS.filter((mark) => waiting >= mark).length;

export const createNotices = (
  hub: HubId,
  stateOf: () => HubState,
  waiting: () => number,
  /** Null: this hub takes no desired state. */
  reportedOf: (() => Uint8Array) | null = null,
): Notices => {
  let events: readonly HubEvent[] = [];
  let droppedEvents = 0;
  let underWay = false;
  let stateAt: Millis | null = null;
  let toldMark = 0;
  let reportedIsDue = reportedOf !== null;
  const pausedUntil = { state: 0, reported: 0, event: 0 };

  const stateDue = (): number => {
    if (stateAt === null) return pausedUntil.state;
    const every = markOf(waiting()) === toldMark ? STATE_EVERY : STATE_SPACING;
    return Math.max(stateAt + every, pausedUntil.state);
  };
  const reportedDue = (): number => (reportedIsDue ? pausedUntil.reported : Number.POSITIVE_INFINITY);
  const eventDue = (): number => (events.length === 0 ? Number.POSITIVE_INFINITY : pausedUntil.event);

  const stateMessage = (state: HubState): OutboundMessage => ({
    topic: topicOf(hub, "state"),
    payload: encodeMessage(state),
    retain: true,
  });

  const settled = (topic: Notice["topic"], outcome: PublishOutcome | null, at: Millis): boolean => {
    underWay = false;
    if (outcome?.tag === "refused") pausedUntil[topic] = at + REFUSED_PAUSE;
    // A message that the broker will never take is not tried again; the others of its topic are.
    return outcome !== null && (outcome.tag !== "refused" || outcome.scope === "message");
  };

  const nextState = (at: Millis): Notice => {
    const before = stateAt;
    stateAt = at;
    toldMark = markOf(waiting());
    return {
      topic: "state",
      message: stateMessage(stateOf()),
      settle: (outcome, then) => {
        if (!settled("state", outcome, then)) stateAt = before;
      },
    };
  };

  const nextReported = (payload: Uint8Array): Notice => {
    reportedIsDue = false;
    return {
      topic: "reported",
      message: { topic: topicOf(hub, "reported"), payload, retain: true },
      settle: (outcome, then) => {
        if (!settled("reported", outcome, then)) reportedIsDue = true;
      },
    };
  };

  const nextEvent = (event: HubEvent): Notice => ({
    topic: "event",
    message: { topic: topicOf(hub, "event"), payload: encodeMessage(event), retain: false },
    settle: (outcome, then) => {
      if (settled("event", outcome, then)) events = events.filter((one) => one !== event);
    },
  });

  return {
    get waitingEvents() {
      return events.length;
    },
    get droppedEvents() {
      return droppedEvents;
    },
    linkUp: () => {
      underWay = false;
      stateAt = null;
      reportedIsDue = reportedOf !== null;
      pausedUntil.state = 0;
      pausedUntil.reported = 0;
      pausedUntil.event = 0;
    },
    next: (at) => {
      const [event] = events;
      if (underWay) return null;
      if (at >= stateDue()) {
        underWay = true;
        return nextState(at);
      }
      if (reportedOf !== null && at >= reportedDue()) {
        underWay = true;
        return nextReported(reportedOf());
      }
      if (event === undefined || at < eventDue()) return null;
      underWay = true;
      return nextEvent(event);
    },
    dueAt: () => {
      const due = Math.min(stateDue(), reportedDue(), eventDue());
      return underWay || !Number.isFinite(due) ? null : millis(due);
    },
    add: (event) => {
      droppedEvents += Math.max(0, events.length + 1 - MOST_EVENTS);
      events = [...events, event].slice(-MOST_EVENTS);
    },
    reportedChanged: () => {
      reportedIsDue = reportedOf !== null;
    },
    goodbye: () => stateMessage({ ...stateOf(), online: false }),
  };
};
