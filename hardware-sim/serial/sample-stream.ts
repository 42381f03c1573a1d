import { toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { deliveryOf, type TrueValue } from "./measurement.ts";
import { type Clip, MAX_PACKETS, type Patient, type SentPacket } from "./nonin-stream.ts";
import type { SerialLine } from "./serial-line.ts";

/** What goes out at one tick. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly values: readonly TrueValue[];
  /** Finger in, values there, no artifact. */
  readonly valid: boolean;
}

/** A finger oximeter that sends a sample at every tick while it is on a finger, and for a while after. */
export interface SampleStream extends AsyncDisposable {
  readonly clips: readonly Clip[];
  readonly clipped: boolean;
  /** Does nothing while clipped. */
  clipOn(patient: Patient): void;
  /** The finger is out; the stream ends by itself. */
  takeOff(): void;
  /** The oximeter is busy with something else: its ticks pass without a sample. */
  setPaused(paused: boolean): void;
}

export interface SampleStreamOptions {
  readonly line: () => SerialLine;
  readonly clock: Clock;
  /** Between two samples. */
  readonly every: Millis;
  /** How many samples follow when the finger is out. */
  readonly leaving: number;
  /** `tick` counts from clipping on, `since` from taking off (null while the finger is in). */
  sample(patient: Patient, tick: number, since: number | null): Sample;
}

export const oximetryTruth = ({ spo2, pulse }: Patient): readonly TrueValue[] => [
  { quantity: "spo2", value: spo2, decimals: 0, unit: "%" },
  { quantity: "pulse-rate.oximeter", value: pulse, decimals: 0, unit: "/min" },
];

interface RunningClip {
  readonly number: number;
  readonly packets: SentPacket[];
  ended: boolean;
}

export const createSampleStream = (options: SampleStreamOptions): SampleStream => {
  const { clock, every } = options;
  const clips: RunningClip[] = [];
  const closing = new AbortController();
  let patient: Patient | null = null;
  let paused = false;
  let running: Promise<void> = Promise.resolve();

  const send = async (clip: RunningClip, { bytes, values, valid }: Sample): Promise<void> => {
    if (clip.packets.length >= MAX_PACKETS) throw new RangeError("oximeter: more samples than it remembers");
    const outcome = await options.line().send(bytes);
    const index = clip.packets.length + 1;
    const intact = deliveryOf(outcome) === "sent";
    clip.packets.push({ index, hex: toHex(bytes), values, valid, sentAt: clock.elapsed(), intact });
  };

  /** Ticks are counted from the start, so that delays do not add up. */
  const stream = async (clip: RunningClip): Promise<void> => {
    const start = clock.elapsed();
    let worn = patient;
    let takenOffAt: number | null = null;
    for (let tick = 0; worn !== null; tick++) {
      const due = start + tick * every;
      if (due > clock.elapsed()) await clock.sleep(millis(due - clock.elapsed()), closing.signal);
      if (patient === null) takenOffAt ??= tick;
      else worn = patient;
      const since = takenOffAt === null ? null : tick - takenOffAt;
      if (since !== null && since >= options.leaving) return;
      if (!paused) await send(clip, options.sample(worn, tick, since));
    }
  };

  const startClip = (): void => {
    const clip: RunningClip = { number: clips.length + 1, packets: [], ended: false };
    clips.push(clip);
    running = stream(clip)
      .catch((thrown) => {
        if (!closing.signal.aborted) throw thrown;
      })
      .finally(() => {
        clip.ended = true;
        if (patient !== null && !closing.signal.aborted) startClip();
      });
  };

  return {
    clips,
    get clipped() {
      return patient !== null;
    },
    clipOn: (next) => {
      patient ??= next;
      if (clips.every(({ ended }) => ended) && !closing.signal.aborted) startClip();
    },
    takeOff: () => {
      patient = null;
    },
    setPaused: (next) => {
      paused = next;
    },
    [Symbol.asyncDispose]: async () => {
      patient = null;
      closing.abort();
      await running;
    },
  };
};
