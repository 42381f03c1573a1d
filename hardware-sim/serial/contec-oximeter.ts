import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import type { Chance } from "../radio/seeded.ts";
import { liveSample, recordedHeader, recordedSample } from "./contec-samples.ts";
import type { Patient } from "./nonin-stream.ts";
import { createSampleStream, oximetryTruth, type SampleStream } from "./sample-stream.ts";
import type { SerialLine } from "./serial-line.ts";

/** Sixty samples a second. */
const EVERY = millis(1000 / 60);
const PER_SECOND = 60;
/** Three seconds with the finger out, before it turns itself off. */
const LEAVING = 3 * PER_SECOND;
/** A day. */
const MEMORY_SECONDS = 24 * 3600;
const ASK = 0xf5;
const STOP = 0xf6;
/** Samples of the memory that leave together: 90 octets are 52 ms at 19 200 baud with parity. */
const SAMPLES_PER_WRITE = 30;

export interface ContecMemory {
  /** One value a second, oldest first. */
  readonly samples: readonly Patient[];
  /** How often it was asked for and went out whole. */
  readonly readOuts: number;
}

/**
 * A Contec CMS50D+: streams while it is on a finger, and keeps one value a second. F5 F5 asks for the memory, which
 * stops the stream; F6 F6 F6 lets it go on. The memory has no times. Not certified.
 */
export interface ContecOximeter extends SampleStream {
  readonly memory: ContecMemory;
  /** Puts values into the memory without wearing it. */
  record(values: readonly Patient[]): void;
  receive(bytes: Uint8Array): void;
}

export const createContecOximeter = (line: () => SerialLine, clock: Clock, chance: Chance): ContecOximeter => {
  const recorded: Patient[] = [];
  const memory = { samples: recorded, readOuts: 0 };
  let before = 0;
  let saying: Promise<void> = Promise.resolve();

  const record = (values: readonly Patient[]): void => {
    recorded.push(...values);
    recorded.splice(0, Math.max(0, recorded.length - MEMORY_SECONDS));
  };

  const stream = createSampleStream({
    line,
    clock,
    every: EVERY,
    leaving: LEAVING,
    sample: (patient, tick, since) => {
      const isOut = since !== null;
      if (!isOut && tick % PER_SECOND === PER_SECOND - 1) record([patient]);
      const shown = isOut ? { pulse: 0, spo2: 0 } : patient;
      return {
        bytes: liveSample({ ...shown, fingerOut: isOut, signal: isOut ? 0 : 8, waveform: chance.whole(0, 127) }),
        values: oximetryTruth(shown),
        valid: !isOut,
      };
    },
  });

  /** An empty memory has no length that the header could say, so it says nothing. */
  const readOut = async (): Promise<void> => {
    const samples = [...recorded];
    if (samples.length === 0) return;
    const send = async (bytes: Uint8Array): Promise<boolean> => (await line().send(bytes)).heard;
    let heard = await send(recordedHeader(samples.length));
    for (let at = 0; at < samples.length && heard; at += SAMPLES_PER_WRITE) {
      const group = samples.slice(at, at + SAMPLES_PER_WRITE).flatMap((one) => [...recordedSample(one)]);
      heard = await send(Uint8Array.from(group));
    }
    if (heard) memory.readOuts += 1;
  };

  const take = (octet: number): void => {
    const isPair = octet === before;
    before = isPair ? 0 : octet;
    if (!isPair) return;
    if (octet === ASK) {
      stream.setPaused(true);
      saying = saying.then(readOut);
    } else if (octet === STOP) stream.setPaused(false);
  };

  const { [Symbol.asyncDispose]: stop } = stream;
  return Object.assign(stream, {
    memory,
    record,
    receive: (bytes: Uint8Array) => bytes.forEach(take),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await saying;
    },
  });
};
