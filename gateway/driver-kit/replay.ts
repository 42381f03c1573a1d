import type { EnrolledSensor, ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../../drivers/driver.ts";
import { HubError, messageOf } from "../../protocol/errors.ts";
import { channelId, hubId } from "../../protocol/ids.ts";
import type { EventCode } from "../../protocol/messages.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import { HUB_VERSION } from "../version.ts";
import type { Capture } from "./capture.ts";
import type { Difference } from "./difference.ts";
import { createReplayClock, type ReplayClock } from "./replay-clock.ts";
import { createReplayScript, type ReplayScript } from "./replay-script.ts";
import { createReplayTransport, type ReplayTransport } from "./replay-transport.ts";

/** After the last event a stream is stopped: longer than a driver waits for the end of a burst. */
const STREAM_LINGER = seconds(10);
/** Any other session ends by itself: its own deadline is 120 s, and operations under way may take 10 s more. */
const SESSION_LINGER = seconds(140);
/** What a driver may take to end once it was told to stop. */
const GRACE = seconds(10);

/** A reading, and how far the session was when the hub had it durable. */
export interface TakenReading {
  readonly reading: DraftReading;
  /** Number of the `take` that it came in, from 0. */
  readonly take: number;
  /** Events of the capture that were over. */
  readonly position: number;
  /** Values confirmed and writes made before it was durable. */
  readonly confirmed: number;
  readonly written: number;
}

/** What a driver made of a capture. */
export interface Replay {
  readonly taken: readonly TakenReading[];
  readonly unreadable: readonly UnreadableCapture[];
  readonly reports: readonly EventCode[];
  readonly memory: Readonly<Record<string, string>>;
  /** `failed`: it rejected; `stuck`: it neither ended by itself nor when it was told to. */
  readonly end: SessionEnd["reason"] | "failed" | "stuck";
  /** Why it rejected. */
  readonly failure: unknown;
  /** Writes that the capture does not have, or has otherwise. */
  readonly differences: readonly Difference[];
  /** Readings that are none by reading-1.schema.json: the rule that each breaks. */
  readonly invalid: readonly string[];
  /** Readings whose indication was confirmed to the sensor before they were durable. */
  readonly early: number;
  readonly confirmed: number;
  readonly written: number;
}

/** What a capture is replayed with. */
export interface ReplayDriver {
  readonly driver: SensorDriver<unknown>;
  readonly sensor: EnrolledSensor;
}

export interface ReplayOptions {
  readonly validate: ReadingValidator;
  /** Refuse the take with this number (from 0), as a full disk would. */
  readonly refuseTake?: number;
}

const QUIET: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => QUIET,
};

/** Marks the failure that a replay itself plays. */
export const REFUSED_TAKE = new HubError("outbox-disk-full", "replayed outbox: refused this reading");

/** Play the sensor until the session is over, telling it to stop where the capture ends. */
const play = async (
  script: ReplayScript,
  far: ReplayTransport,
  clock: ReplayClock,
  linger: Millis,
  isOver: () => boolean,
  stop: () => void,
): Promise<void> => {
  let endsAt: number | null = null;
  let isStopped = false;
  const stopNow = (): void => {
    stop();
    isStopped = true;
    endsAt = clock.elapsed() + GRACE;
  };
  await clock.settle();
  while (!isOver()) {
    const now = clock.elapsed();
    const next = isStopped ? null : script.next(now);
    if (next === null) endsAt ??= now + linger;
    if (next !== null && next.due <= now) {
      const { event } = next;
      script.done(now);
      if (event?.tag === "received") far.receive(event.channel, event.bytes);
      else if (event?.tag === "disconnect") far.drop();
      else if (event?.tag === "stop") stopNow();
      await clock.settle();
      continue;
    }
    const due = Math.min(
      next?.due ?? Number.POSITIVE_INFINITY,
      clock.nextDue ?? Number.POSITIVE_INFINITY,
      endsAt ?? Number.POSITIVE_INFINITY,
    );
    await clock.moveTo(millis(due));
    if (endsAt === null || due < endsAt) continue;
    if (isStopped) return;
    stopNow();
    await clock.settle();
  }
};

/** Run the real session of a driver against a capture, in simulated time. Never rejects for what the driver does. */
export const replay = async (
  capture: Capture,
  { driver, sensor }: ReplayDriver,
  { validate, refuseTake }: ReplayOptions,
): Promise<Replay> => {
  const clock = createReplayClock(capture.hub.clock, capture.hub.state);
  const script = createReplayScript(capture.session);
  const far = createReplayTransport(driver.transport, capture, script, clock);
  const memory = new Map(Object.entries(capture.memory));
  const taken: TakenReading[] = [];
  const unreadable: UnreadableCapture[] = [];
  const reports: EventCode[] = [];
  const invalid: string[] = [];
  const indicated = new Set(capture.link.filter((one) => one.properties.has("indicate")).map(({ channel }) => channel));
  let early = 0;
  let takes = 0;
  let counter = 0;

  const sink: ReadingSink = {
    take: async (readings) => {
      const take = takes;
      takes += 1;
      if (take === refuseTake) throw REFUSED_TAKE;
      for (const reading of readings) {
        const source = channelId(reading.provenance.source);
        if (indicated.has(source) && far.unconfirmed(source) === 0) early += 1;
        const checked = validate({ ...reading, seq: 1 });
        if (checked.tag === "invalid") invalid.push(checked.reason);
        taken.push({ reading, take, position: script.position, ...far.counts });
      }
    },
    keepUnreadable: async (one) => {
      unreadable.push(one);
    },
    nextCounter: async () => {
      counter += 1;
      return counter;
    },
    report: (code) => {
      reports.push(code);
    },
  };
  const context: SessionContext = {
    sensor,
    hub: { id: hubId("driver-kit"), version: HUB_VERSION },
    zone: capture.zone,
    clock,
    time: clock,
    logger: QUIET,
    memory: {
      read: (key) => memory.get(key) ?? null,
      write: async (key, text) => {
        memory.set(key, text);
      },
    },
  };

  const stop = new AbortController();
  let end: Replay["end"] = "stuck";
  let failure: unknown = null;
  let isOver = false;
  const session = async (): Promise<void> => {
    try {
      end = (await driver.session(far.transport, sink, context, stop.signal)).reason;
    } catch (thrown) {
      end = "failed";
      failure = thrown;
    }
    isOver = true;
  };
  const running = session();
  const linger = driver.stays ? STREAM_LINGER : SESSION_LINGER;
  await play(
    script,
    far,
    clock,
    linger,
    () => isOver,
    () => stop.abort(new HubError("aborted", "replay: over")),
  );
  if (isOver) await running;
  else far.drop();
  return {
    taken,
    unreadable,
    reports,
    memory: Object.fromEntries(memory),
    end,
    failure,
    differences: script.differences,
    invalid,
    early,
    ...far.counts,
  };
};

/** How a replay ended, in words. */
export const endText = ({ end, failure }: Replay): string =>
  end === "failed" ? `failed (${messageOf(failure)})` : end;
