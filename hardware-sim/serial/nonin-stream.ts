import { toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import type { Chance } from "../radio/seeded.ts";
import { deliveryOf, type TrueValue } from "./measurement.ts";
import {
  FRAME_BYTES,
  FRAMES_PER_PACKET,
  MISSING_PULSE,
  MISSING_SPO2,
  noninPacket,
  type OximeterPacket,
  PACKETS_PER_SECOND,
} from "./nonin-frames.ts";
import type { SerialLine } from "./serial-line.ts";

/** Frames written together: 5 frames are 67 ms, one write in the rhythm in which a UART would wake a reader. */
const FRAMES_PER_WRITE = 5;
const WRITES_PER_PACKET = FRAMES_PER_PACKET / FRAMES_PER_WRITE;
const WRITE_EVERY_MS = 1000 / (PACKETS_PER_SECOND * WRITES_PER_PACKET);
/** Packets without a value while the oximeter finds the pulse (a real one takes a few seconds longer). */
const ACQUIRING_PACKETS = 3;
/** Packets with the sensor alarm after the finger is out, before the oximeter turns itself off. */
const LEAVING_PACKETS = 3;
/** 100 hours at 3 a second would be a million; a run of one hour is 10 800. */
export const MAX_PACKETS = 1_000_000;

export interface Patient {
  readonly spo2: number;
  readonly pulse: number;
}

/** One packet as it was sent. `valid`: finger in, values there, no artifact. */
export interface SentPacket {
  /** 1, 2, 3 ... within the clip. */
  readonly index: number;
  readonly hex: string;
  readonly values: readonly TrueValue[];
  readonly valid: boolean;
  readonly sentAt: Millis;
  /** Whole and undisturbed, to a hub that listened and had not just opened the port. */
  readonly intact: boolean;
}

/** From clipping on to taking off. */
export interface Clip {
  readonly number: number;
  readonly packets: readonly SentPacket[];
  /** Last packet sent. */
  readonly ended: boolean;
}

/**
 * A finger oximeter that streams data format 2 while it is on a finger. It has no memory and no acknowledgement: what
 * it knows is each packet that it sent. Values wander by one now and then, as those of a resting patient do.
 */
export interface NoninStream extends AsyncDisposable {
  readonly clips: readonly Clip[];
  readonly clipped: boolean;
  /** Does nothing while clipped. */
  clipOn(patient: Patient): void;
  /** The stream ends within the next seconds. */
  takeOff(): void;
}

const valuesOf = (packet: OximeterPacket): readonly TrueValue[] => [
  { quantity: "spo2", value: packet.spo2, decimals: 0, unit: "%" },
  { quantity: "pulse-rate.oximeter", value: packet.pulse, decimals: 0, unit: "/min" },
];

/** A pulse wave: fast rise, slow fall, with the noise that makes each packet its own. */
const plethOf = (beatAt: number, pulse: number, chance: Chance): number[] => {
  const period = Math.max(1, Math.round((60 * 75) / pulse));
  return Array.from({ length: FRAMES_PER_PACKET }, (_, frame) => {
    const phase = ((frame - beatAt + period) % period) / period;
    const wave = phase < 0.2 ? phase / 0.2 : 1 - (phase - 0.2) / 0.8;
    return Math.round(40 + 160 * wave) + chance.whole(0, 7);
  });
};

interface Running {
  readonly number: number;
  readonly packets: SentPacket[];
  ended: boolean;
}

export const createNoninStream = (line: SerialLine, clock: Clock, chance: Chance): NoninStream => {
  const clips: Running[] = [];
  const closing = new AbortController();
  let patient: Patient | null = null;
  let running: Promise<void> = Promise.resolve();
  let streaming = false;

  const wander = (now: Patient): Patient => ({
    spo2: Math.min(100, Math.max(70, now.spo2 + (chance.happens(0.05) ? chance.whole(-1, 1) : 0))),
    pulse: Math.min(250, Math.max(30, now.pulse + (chance.happens(0.15) ? chance.whole(-1, 1) : 0))),
  });

  const packetOf = (values: Patient | null, shown: Patient, timer: number, removed: boolean): OximeterPacket => {
    const beatAt = chance.whole(0, FRAMES_PER_PACKET - 1);
    return {
      pulse: values?.pulse ?? MISSING_PULSE,
      spo2: values?.spo2 ?? MISSING_SPO2,
      spo2Beat: values === null ? MISSING_SPO2 : Math.max(0, Math.min(100, values.spo2 + chance.whole(-1, 1))),
      pulseDisplay: shown.pulse,
      spo2Display: shown.spo2,
      timer: timer & 0x3fff,
      pleth: plethOf(beatAt, values?.pulse ?? 60, chance),
      beatAt: values === null ? null : beatAt,
      fingerRemoved: removed,
      artifact: false,
    };
  };

  /** Send one packet in its five writes, each at its time, counted from `start` so that delays do not add up. */
  const send = async (clip: Running, packet: OximeterPacket, start: Millis): Promise<void> => {
    const bytes = noninPacket(packet);
    let intact = true;
    for (let part = 0; part < WRITES_PER_PACKET; part++) {
      const due = start + (clip.packets.length * WRITES_PER_PACKET + part) * WRITE_EVERY_MS;
      if (due > clock.elapsed()) await clock.sleep(millis(due - clock.elapsed()), closing.signal);
      const size = FRAMES_PER_WRITE * FRAME_BYTES;
      const outcome = await line.send(bytes.subarray(part * size, (part + 1) * size));
      intact &&= deliveryOf(outcome) === "sent";
    }
    if (clip.packets.length >= MAX_PACKETS) throw new RangeError("oximeter: more packets than it remembers");
    clip.packets.push({
      index: clip.packets.length + 1,
      hex: toHex(bytes),
      values: valuesOf(packet),
      valid: packet.pulse !== MISSING_PULSE && !packet.fingerRemoved && !packet.artifact,
      sentAt: clock.elapsed(),
      intact,
    });
  };

  const stream = async (clip: Running): Promise<void> => {
    const start = clock.elapsed();
    const nothing: Patient = { spo2: MISSING_SPO2, pulse: MISSING_PULSE };
    let shown = nothing;
    let timer = 0;
    for (; patient !== null; timer++) {
      const acquired = timer >= ACQUIRING_PACKETS;
      patient = wander(patient);
      if (acquired) shown = patient;
      await send(clip, packetOf(acquired ? patient : null, shown, timer, false), start);
    }
    for (let left = LEAVING_PACKETS; left > 0; left--, timer++) {
      await send(clip, packetOf(null, shown, timer, true), start);
    }
  };

  const startClip = (): void => {
    const clip: Running = { number: clips.length + 1, packets: [], ended: false };
    streaming = true;
    clips.push(clip);
    running = stream(clip)
      .catch((thrown) => {
        if (!closing.signal.aborted) throw thrown;
      })
      .finally(() => {
        clip.ended = true;
        streaming = false;
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
      if (!streaming && !closing.signal.aborted) startClip();
    },
    takeOff: () => {
      patient = null;
    },
    [Symbol.asyncDispose]: async () => {
      patient = null;
      closing.abort();
      await running;
    },
  };
};
