import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { RegionLink } from "../../protocol/ports/region-link.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import type { Bell } from "./bell.ts";
import { withDeadline } from "./deadline.ts";
import type { Echo } from "./echo.ts";
import type { Notice, Notices } from "./notices.ts";
import { MOST_IN_FLIGHT } from "./pace.ts";
import type { ReadingFlow, ReadingMessage, Room } from "./reading-flow.ts";
import type { ReceiptDesk } from "./receipt-desk.ts";

export interface ConversationParts {
  readonly flow: ReadingFlow;
  readonly notices: Notices;
  readonly desk: ReceiptDesk;
  readonly echo: Pick<Echo, "next" | "heard">;
  readonly bell: Bell;
  readonly clock: Clock;
  /** Resolves at once, or when it is taken; rejects only where an invariant is broken. */
  readonly takeDesired: (payload: Uint8Array) => Promise<void>;
  readonly topics: {
    readonly reading: string;
    readonly receipt: string;
    readonly desired: string;
    readonly echo: string;
  };
  /** Told how many messages are in flight, each time it changes. */
  readonly onInFlight: (messages: number) => void;
}

/** How long a stopping hub waits for the answers to what it has sent. What stays open is sent again after the start. */
export const ANSWERS_DEADLINE = seconds(3);
/** How long the retained goodbye may take on top. */
const GOODBYE_DEADLINE = seconds(1);

/** Cut short: by the goodbye's deadline, or by the loss of the link, which the caller looks at by itself. */
const isEndOfTalk = (thrown: unknown): boolean => isHubError(thrown, "link-lost") || isHubError(thrown, "link-timeout");

/**
 * Use a link until it is lost or `stop` aborts; then the answers under way are waited for, the retained goodbye is
 * published and the link closed. Resolves when nothing of it is left running.
 */
export const converse = async (link: RegionLink, parts: ConversationParts, stop: AbortSignal): Promise<void> => {
  const { flow, notices, desk, echo, takeDesired, bell, clock, topics, onInFlight } = parts;
  const flights = new Set<Promise<void>>();
  const whole = new AbortController();
  const ended = (): boolean => link.lost.aborted || stop.aborted;
  const ring = (): void => bell.ring();
  let readingsInFlight = 0;
  /** A failure that is nobody's to handle: it ends the conversation and then the process. */
  let broken: { readonly thrown: unknown } | null = null;

  const launch = (work: () => Promise<void>): void => {
    const flight = work()
      .catch((thrown: unknown) => {
        if (!isEndOfTalk(thrown)) broken ??= { thrown };
      })
      .finally(() => {
        flights.delete(flight);
        onInFlight(flights.size);
        bell.ring();
      });
    flights.add(flight);
    onInFlight(flights.size);
  };

  const sendNotice = async (notice: Pick<Notice, "message" | "settle">): Promise<void> => {
    try {
      notice.settle(await link.publish(notice.message, whole.signal), clock.elapsed());
    } catch (thrown) {
      notice.settle(null, clock.elapsed());
      throw thrown;
    }
  };

  const sendReadings = async (message: ReadingMessage): Promise<void> => {
    readingsInFlight += 1;
    const sentAt = clock.elapsed();
    try {
      const outcome = await link.publish(
        { topic: topics.reading, payload: message.payload, retain: false },
        whole.signal,
      );
      await flow.settled(message, outcome, millis(clock.elapsed() - sentAt));
    } catch (thrown) {
      if (!isHubError(thrown) || isEndOfTalk(thrown)) throw thrown;
      flow.storageFault(thrown);
    } finally {
      readingsInFlight -= 1;
    }
  };

  const nextReadings = async (room: Room): Promise<ReadingMessage | null | "again"> => {
    try {
      return await flow.next(room);
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      flow.storageFault(thrown);
      return "again";
    }
  };

  /** Send one message. `nothing` where none is due; `no-room` where only an answer makes room. */
  const sendOne = async (): Promise<"sent" | "nothing" | "no-room"> => {
    const window = Math.min(flow.window, MOST_IN_FLIGHT, link.receiveMaximum);
    if (flights.size >= window) return "no-room";
    const notice = echo.next() ?? notices.next(clock.elapsed());
    if (notice !== null) {
      launch(() => sendNotice(notice));
      return "sent";
    }
    const message = await nextReadings({ window, readingsInFlight });
    if (message === null) return "nothing";
    if (message === "again") return "sent";
    if (link.lost.aborted) flow.takeBack(message);
    else launch(() => sendReadings(message));
    return "sent";
  };

  const untilDue = (): Millis | null => {
    const dues = [flow.dueAt(), notices.dueAt()].filter((due) => due !== null);
    return dues.length === 0 ? null : millis(Math.max(0, Math.min(...dues) - clock.elapsed()));
  };

  const listen = async (): Promise<void> => {
    for await (const { topic, payload } of link.incoming) {
      if (topic === topics.receipt) await desk.take(payload);
      else if (topic === topics.desired) await takeDesired(payload);
      else if (topic === topics.echo) echo.heard(payload);
    }
  };

  const awaitAnswers = async (): Promise<void> => {
    const end = clock.elapsed() + ANSWERS_DEADLINE;
    // A region that sends no receipts is not waited for.
    const answered = (): boolean => flights.size === 0 && (flow.unsettled === 0 || flow.trouble !== null);
    while (!answered() && !link.lost.aborted && clock.elapsed() < end && broken === null) {
      await bell.wait(millis(end - clock.elapsed()), link.lost);
    }
  };

  const sayGoodbye = async (): Promise<void> => {
    const late = (): HubError => new HubError("link-timeout", "goodbye to the region: no answer in time");
    try {
      await withDeadline(clock, GOODBYE_DEADLINE, late, whole.signal, (signal) =>
        link.publish(notices.goodbye(), signal),
      );
    } catch (thrown) {
      if (!isEndOfTalk(thrown)) throw thrown;
    }
  };

  link.lost.addEventListener("abort", ring, { once: true });
  stop.addEventListener("abort", ring, { once: true });
  const listening = listen();
  try {
    while (!ended() && broken === null) {
      const did = await sendOne();
      if (did === "sent" || ended() || broken !== null) continue;
      // Without room nothing can be done about what is due: an answer, or the end of the link, rings.
      await bell.wait(did === "no-room" ? null : untilDue(), link.lost);
    }
    if (!link.lost.aborted && broken === null) {
      await awaitAnswers();
      await sayGoodbye();
    }
  } finally {
    stop.removeEventListener("abort", ring);
    await link[Symbol.asyncDispose]();
    whole.abort(link.lost.reason);
    await Promise.all(flights);
    await listening;
    await desk.idle();
  }
  const failure = broken as { readonly thrown: unknown } | null;
  if (failure !== null) throw failure.thrown;
};
