import type { ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../../drivers/driver.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { GattCharacteristic } from "../../protocol/ports/transport.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { type Arrival, epochMs, millis } from "../../protocol/time.ts";
import { type RecordedEvent, record } from "./recording.ts";

/** A session that was recorded to its end. */
export interface SessionRecord {
  readonly startedAt: Arrival;
  readonly events: readonly RecordedEvent[];
  /** Events beyond what a capture holds. */
  readonly dropped: number;
  readonly characteristics: readonly GattCharacteristic[];
  readonly readings: readonly DraftReading[];
  readonly unreadable: readonly UnreadableCapture[];
  readonly end: SessionEnd["reason"] | "failed";
  readonly failure: unknown;
}

/**
 * Stamps in whole milliseconds from now on: a capture has no finer time, and a replay of it is to give the same stamps.
 * `given` says how the hub's clock is kept.
 */
export const createRecordingTime = (clock: Clock, given: HubTime): HubTime => {
  const first = given.stamp();
  const zero = clock.elapsed();
  const wall = Math.floor(clock.now());
  return {
    stamp: () => {
      const monoMs = Math.floor(clock.elapsed() - zero);
      return { ...first, utc: first.utc === null ? null : epochMs(wall + monoMs), monoMs: millis(monoMs) };
    },
  };
};

export interface SessionRecorderOptions {
  readonly driver: SensorDriver<unknown>;
  readonly time: HubTime;
  /** Called with each reading as it comes. */
  readonly heard: (reading: DraftReading) => void;
  /** Called once, when the session is over. */
  readonly ended: (record: SessionRecord) => void;
}

/**
 * The same driver, whose first session is recorded: transport and sink are the recorder's, so that nothing of it goes
 * anywhere else. Further sessions are not run.
 */
export const recordingDriver = ({ driver, time, heard, ended }: SessionRecorderOptions): SensorDriver<unknown> => {
  let isTaken = false;
  return {
    ...driver,
    session: async (transport, _sink, context, signal): Promise<SessionEnd> => {
      if (isTaken) return { readings: 0, reason: "complete" };
      isTaken = true;
      const readings: DraftReading[] = [];
      const unreadable: UnreadableCapture[] = [];
      const memory = new Map<string, string>();
      let counter = 0;
      const sink: ReadingSink = {
        take: async (drafts) => {
          readings.push(...drafts);
          for (const draft of drafts) heard(draft);
        },
        keepUnreadable: async (one) => {
          unreadable.push(one);
        },
        nextCounter: async () => {
          counter += 1;
          return counter;
        },
        report: () => undefined,
      };
      // What the hub remembers of the sensor is left alone: a recording reads it from the beginning.
      const own: SessionContext = {
        ...context,
        time,
        memory: {
          read: (key) => memory.get(key) ?? null,
          write: async (key, text) => {
            memory.set(key, text);
          },
        },
      };
      const startedAt = time.stamp();
      const now = (): number => time.stamp().monoMs - startedAt.monoMs;
      const recording = record(transport, now, startedAt.monoMs);
      let end: SessionRecord["end"] = "failed";
      let failure: unknown = null;
      try {
        end = (await driver.session(recording.transport, sink, own, signal)).reason;
      } catch (thrown) {
        failure = thrown;
      }
      const at = now();
      const last: readonly RecordedEvent[] =
        end === "aborted" ? [{ tag: "stop", at }] : transport.lost.aborted ? [{ tag: "disconnect", at }] : [];
      ended({
        startedAt,
        events: [...recording.events(), ...last],
        dropped: recording.dropped,
        characteristics: recording.characteristics,
        readings,
        unreadable,
        end,
        failure,
      });
      return { readings: readings.length, reason: end === "failed" ? "complete" : end };
    },
  };
};
