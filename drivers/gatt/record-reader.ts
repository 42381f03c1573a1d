import { isHubError, messageOf } from "../../protocol/errors.ts";
import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { millis } from "../../protocol/time.ts";
import type { RecordAccess } from "../decode/record-access.ts";
import type { RecordAccessProfile, RecordEntry } from "./profile.ts";
import { ABORT_REPORT, type AccessRequest, answerOf, isPutOff, requestBytes } from "./record-access.ts";
import { createRecordProgress } from "./record-progress.ts";

export const ACCESS_POINT: ChannelId = channelId("2a52");

/** Pauses before a request that was put off is repeated (drivers.md, radio policy 6). */
const PUT_OFF_PAUSES = [millis(100), millis(250), millis(500), millis(1000)] as const;
/** Requests of one session: the first, one for all where the numbers began again, and two that did not complete. */
const MAX_REQUESTS = 4;

/**
 * - `due`: to be asked, once what came unasked is taken.
 * - `reporting`: records come, or an answer.
 * - `told`: answered; a last record may still be on its way, as some sensors let the answer overtake it.
 * - `over`: nothing is asked any more.
 */
export type ReaderPhase = "due" | "reporting" | "told" | "over";

/** Reads the memory of one sensor in one session. */
export interface RecordReader<R> {
  readonly phase: ReaderPhase;
  /**
   * Write the request, or nothing where `run` is null. Rejects with the HubError of a sensor that cannot be asked; a lost
   * link is none.
   */
  ask(run: string | null, signal: AbortSignal): Promise<void>;
  /** A value of the control point. */
  hear(heard: RecordAccess): void;
  /** These are durable. */
  stored(records: readonly R[]): Promise<void>;
  /** A live record says that the numbers began again: read the memory anew. */
  isBehind(records: readonly R[]): boolean;
  restart(): void;
  /** Nothing of the report is still on its way: remember how far it came, or ask for more. */
  finish(): Promise<void>;
  /** The sensor does not answer. */
  giveUp(signal: AbortSignal): Promise<void>;
}

export interface RecordReaderOptions<R> {
  readonly link: BleLink;
  readonly access: RecordAccessProfile<R>;
  /** Subscribed again where the sensor says that they are not as they must be. */
  readonly channels: readonly ChannelId[];
  readonly memory: SensorMemory;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const createRecordReader = <R>(options: RecordReaderOptions<R>): RecordReader<R> => {
  const { link, access, channels, clock, logger } = options;
  const { entriesOf } = access;
  const progress = createRecordProgress(options.memory);
  let phase: ReaderPhase = "due";
  let request: AccessRequest = { tag: "all" };
  let requests = 0;
  /** The simplest question, where the sensor did not know the better one. */
  let isPlain = entriesOf === null;
  let isWhole = false;

  const write = async (bytes: Uint8Array, signal: AbortSignal): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await link.write(ACCESS_POINT, bytes, signal);
      } catch (thrown) {
        const pause = PUT_OFF_PAUSES[attempt];
        if (!isHubError(thrown, "ble-att-error") || !isPutOff(thrown.context.attError) || pause === undefined) {
          throw thrown;
        }
        logger.debug("request for records put off", { found: messageOf(thrown), count: attempt + 1 });
        await clock.sleep(pause, AbortSignal.any([signal, link.lost]));
        for (const channel of channels) await link.subscribe(channel, signal);
      }
    }
  };

  const again = (): void => {
    phase = requests < MAX_REQUESTS ? "due" : "over";
    if (phase === "over") logger.warn("sensor memory not read to its end", { count: requests });
  };

  const entries = (records: readonly R[]): readonly RecordEntry[] =>
    entriesOf === null ? [] : records.flatMap(entriesOf);

  return {
    get phase() {
      return phase;
    },
    ask: async (run, signal) => {
      if (run === null) {
        phase = "over";
        return logger.info("sensor memory not asked: its records could not be told apart");
      }
      requests += 1;
      const wanted = progress.request(run);
      request = isPlain ? { tag: "all" } : wanted;
      phase = "reporting";
      try {
        await write(requestBytes(request), signal);
      } catch (thrown) {
        phase = "over";
        if (!link.lost.aborted && !signal.aborted) throw thrown;
      }
    },
    hear: (heard) => {
      if (phase !== "reporting") return;
      const answer = answerOf(heard, request);
      if (answer === "other") return;
      logger.debug("request for records answered", { reason: answer });
      if (answer === "told") phase = "told";
      else if (answer === "unable") {
        phase = "over";
        logger.warn("sensor memory cannot be read", { channel: ACCESS_POINT });
      } else {
        isPlain ||= answer === "too-special";
        again();
      }
    },
    stored: async (records) => {
      progress.stored(entries(records));
      if (phase === "over" && isWhole) await progress.commit();
    },
    isBehind: (records) => phase === "over" && isWhole && progress.isBehind(entries(records)),
    restart: () => {
      phase = "due";
      requests = 0;
      isWhole = false;
    },
    finish: async () => {
      if (!progress.isProven(request)) {
        logger.info("sensor has begun its record numbers again, or lost records; all are read");
        return again();
      }
      phase = "over";
      isWhole = true;
      await progress.commit();
    },
    giveUp: async (signal) => {
      phase = "over";
      logger.warn("sensor does not go on with its records", { channel: ACCESS_POINT });
      try {
        await link.write(ACCESS_POINT, ABORT_REPORT, signal);
      } catch (thrown) {
        logger.debug("report not aborted", { found: messageOf(thrown) });
      }
    },
  };
};

/** The reader of a session, or null where the service or the sensor has no memory to read. */
export const readerOf = <R>(
  access: RecordAccessProfile<R> | null,
  options: Omit<RecordReaderOptions<R>, "access">,
): RecordReader<R> | null =>
  access === null || !options.link.has(ACCESS_POINT) ? null : createRecordReader({ ...options, access });
