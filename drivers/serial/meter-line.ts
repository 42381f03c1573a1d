import { HubError } from "../../protocol/errors.ts";
import { SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { type Arrival, type Millis, millis } from "../../protocol/time.ts";
import type { Decoded, Framed, Framer } from "../driver.ts";
import { createReceiver } from "../receiver.ts";
import type { LineWatch } from "./line-watch.ts";
import type { Unasked } from "./meter-protocol.ts";

/** What came within the patience. */
export type Heard =
  | { readonly tag: "frame"; readonly bytes: Uint8Array; readonly at: Arrival }
  | { readonly tag: "damaged"; readonly reason: "noise" | "checksum" | "overlong" }
  | { readonly tag: "silence" };

/** How much a question is worth. */
export interface Effort {
  /** For each attempt. Default: `ANSWER_WITHIN`. */
  readonly patience?: Millis;
  /** Default: `ATTEMPTS`. */
  readonly attempts?: number;
}

export interface Question<T> extends Effort {
  readonly bytes: Uint8Array;
  /** What a frame says to this question; null where it does not belong to it. */
  understand(frame: Uint8Array): Decoded<T> | null;
}

export interface Answer<T> {
  readonly record: T;
  readonly raw: Uint8Array;
  readonly asked: Arrival;
  readonly answered: Arrival;
}

/** Meters answer within 500 ms by the time-outs of free software that reads them; their cables add some. */
export const ANSWER_WITHIN = millis(1000);
/** A spoiled question, a spoiled answer, and one more. */
export const ATTEMPTS = 3;
/** For the question whether anybody is there: asked again and again, so a silent meter costs 1.4 s of each round. */
export const HELLO: Effort = { patience: millis(700), attempts: 2 };
/** A port whose adapter has hung takes nothing; opening it again helps. 12 octets take 13 ms. */
const SAY_WITHIN = millis(10_000);
/** Of a frame that has begun, the rest may take so long: 18 000 octets, the longest, are 19 s at 9600 baud. */
const FRAME_AT_MOST = millis(25_000);
/** Ten octets at 9600 baud: no meter pauses so long inside what it says. */
const QUIET = millis(100);
/** The longest memory, 500 lines of 60 octets at 9600 baud, takes 31 s to run out. */
const QUIET_AT_MOST = millis(60_000);

/**
 * The line to a meter, for questions and answers. Every call rejects when the line is over: with HubError
 * `serial-closed` when the transport ended, with the signal's reason when the session is to end.
 */
export interface MeterLine {
  say(bytes: Uint8Array): Promise<void>;
  /** The next frame or piece of noise; `silence` when for so long nothing comes that could become one. */
  hear(patience: Millis): Promise<Heard>;
  /**
   * Ask until an answer is understood. Null after the attempts: nothing came, or nothing that makes sense. After a
   * question that was repeated the line is listened to until it is quiet, so that a late answer to the first is not taken
   * for one to the next question.
   */
  ask<T>(question: Question<T>): Promise<Answer<T> | null>;
  /** A frame that was heard made sense, which `ask` finds by itself. */
  understood(): void;
  /** Drop what comes until nothing comes any more. */
  quiet(): Promise<void>;
  /** Wait for the next visit: until the patience is over, or the meter calls (true). */
  idle(patience: Millis): Promise<boolean>;
  /** Whether the meter has called since this was asked last. */
  wasCalled(): boolean;
  stamp(): Arrival;
  /** Monotonic, for durations. */
  elapsed(): Millis;
}

export interface MeterLineOptions {
  readonly transport: Transport;
  readonly createFramer: () => Framer;
  readonly recognise: (frame: Uint8Array) => Unasked;
  readonly watch: LineWatch;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly signal: AbortSignal;
}

const SILENCE: Heard = { tag: "silence" };

export const createMeterLine = ({
  transport,
  createFramer,
  recognise,
  watch,
  clock,
  time,
  signal,
}: MeterLineOptions): MeterLine => {
  const receiver = createReceiver(transport.incoming, clock);
  let framer = createFramer();
  let isCalled = false;
  /** Frames of one arrival that nobody has asked for yet; as many as one chunk of the port has. */
  let waiting: { readonly framed: Framed; readonly at: Arrival }[] = [];

  /** What was begun to come is of an earlier question. */
  const forget = (): void => {
    waiting = [];
    framer = createFramer();
  };

  const say = async (bytes: Uint8Array): Promise<void> => {
    const said = new AbortController();
    const written = transport.write(SERIAL_CHANNEL, bytes, signal).then(() => true);
    // The sleep rejects only because the bytes are gone, and then nobody looks at it.
    const late = clock.sleep(SAY_WITHIN, said.signal).then(
      () => false,
      () => true,
    );
    try {
      if (await Promise.race([written, late])) return;
      throw new HubError("serial-closed", "meter on a serial port: it takes no bytes; connect its cable again");
    } finally {
      said.abort();
    }
  };

  const hear = async (patience: Millis): Promise<Heard> => {
    const latest = clock.elapsed() + patience + FRAME_AT_MOST;
    let until = clock.elapsed() + patience;
    for (;;) {
      const next = waiting.shift();
      if (next?.framed.tag === "frame") {
        const { bytes } = next.framed;
        if (recognise(bytes) === "call") isCalled = true;
        return { tag: "frame", bytes, at: next.at };
      }
      if (next !== undefined) {
        await watch.unreadable(next.framed.bytes, next.at);
        return { tag: "damaged", reason: next.framed.reason };
      }
      const reception = await receiver.next(millis(Math.max(0, until - clock.elapsed())), signal);
      switch (reception.tag) {
        case "patience-over":
          return SILENCE;
        case "received": {
          const { bytes, at } = reception.received;
          waiting = [...framer.push(bytes)].map((framed) => ({ framed, at }));
          until = Math.min(latest, clock.elapsed() + patience);
          break;
        }
        case "aborted":
          throw signal.reason;
        case "end":
          throw new HubError("serial-closed", "meter on a serial port: the port went away; connect its cable again");
      }
    }
  };

  const quiet = async (): Promise<void> => {
    const until = clock.elapsed() + QUIET_AT_MOST;
    while (clock.elapsed() < until) if ((await hear(QUIET)).tag === "silence") break;
    forget();
  };

  /** One attempt: null where no answer came, or a spoiled one. */
  const askOnce = async <T>({
    bytes,
    understand,
    patience = ANSWER_WITHIN,
  }: Question<T>): Promise<Answer<T> | null> => {
    forget();
    const asked = time.stamp();
    await say(bytes);
    const until = clock.elapsed() + patience;
    for (;;) {
      const heard = await hear(millis(Math.max(0, until - clock.elapsed())));
      if (heard.tag === "silence" || (heard.tag === "damaged" && heard.reason === "checksum")) return null;
      if (heard.tag === "damaged") continue;
      const said = understand(heard.bytes);
      if (said === null) continue;
      if (said.tag === "malformed") {
        await watch.unreadable(heard.bytes, heard.at);
        return null;
      }
      watch.readable();
      return { record: said.record, raw: heard.bytes, asked, answered: heard.at };
    }
  };

  return {
    say,
    hear,
    quiet,
    understood: () => watch.readable(),
    stamp: () => time.stamp(),
    elapsed: () => clock.elapsed(),
    ask: async (question) => {
      const attempts = question.attempts ?? ATTEMPTS;
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const answer = await askOnce(question);
        if (answer !== null && attempt > 1) await quiet();
        if (answer !== null) return answer;
      }
      return null;
    },
    wasCalled: () => {
      const was = isCalled;
      isCalled = false;
      return was;
    },
    idle: async (patience) => {
      const until = clock.elapsed() + patience;
      for (;;) {
        const heard = await hear(millis(Math.max(0, until - clock.elapsed())));
        if (heard.tag === "silence") return false;
        if (heard.tag !== "frame") continue;
        const found = recognise(heard.bytes);
        if (found === "call") return true;
        if (found === "foreign") await watch.unreadable(heard.bytes, heard.at);
      }
    },
  };
};
