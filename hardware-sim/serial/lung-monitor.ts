import { toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import { createBell } from "../gatt/bell.ts";
import { MAX_MEASUREMENTS } from "./line-scale.ts";
import type { SerialMeasurement, TrueValue } from "./measurement.ts";
import type { SerialLine } from "./serial-line.ts";
import { type LungBlow, type LungLayout, lungRatio, vitalographTestFrame } from "./vitalograph-frames.ts";

/**
 * A Vitalograph lung monitor, model 4000: it sends each blow by itself and takes ACK or NAK for it. What it does without
 * an answer the sources do not say; this one keeps the blow and sends it again, which is the harder case for a hub.
 */
export interface LungMonitor extends AsyncDisposable {
  /** Ground truth, in order of blowing. A blow is `waiting` until its ACK came. */
  readonly measurements: readonly SerialMeasurement[];
  readonly waiting: number;
  /** What the hub sent besides ACK and NAK, in hex: commands change settings or erase the memory. */
  readonly violations: readonly string[];
  /** NAKs that came. */
  readonly refusals: number;
  blow(blow: LungBlow): SerialMeasurement;
  /** For the line: bytes from the hub. */
  receive(bytes: Uint8Array): void;
}

export interface LungMonitorOptions {
  readonly clock: Clock;
  readonly layout: LungLayout;
  /** Up to ten digits. */
  readonly serial: string;
  /** Local time of the home now, in milliseconds as if it were UTC. */
  readonly localTime: () => number;
  /** How far its clock is ahead of that. */
  readonly clockError?: Millis;
  /** Its line; a function, because line and monitor need each other. */
  readonly line: () => Pick<SerialLine, "send">;
}

const ACK = 0x06;
const NAK = 0x15;
const ANSWER_PATIENCE = seconds(3);
/** Blows that it keeps; the oldest gives way. */
const MEMORY = 50;
const MAX_VIOLATIONS = 100;

/** What a hub can publish of a blow: quantities with a checked code. */
const valuesOf = (layout: LungLayout, blow: LungBlow): readonly TrueValue[] => [
  ...(layout === "G" ? [{ quantity: "pef", value: blow.pef, decimals: 0, unit: "L/min" }] : []),
  { quantity: "fev1", value: blow.fev1 / 100, decimals: 2, unit: "L" },
  { quantity: "fev1-fev6-ratio", value: lungRatio(blow), decimals: 0, unit: "%" },
];

interface Kept {
  readonly measurement: SerialMeasurement;
  readonly frame: Uint8Array;
}

export const createLungMonitor = (options: LungMonitorOptions): LungMonitor => {
  const { clock, layout, serial, clockError = millis(0) } = options;
  const measurements: SerialMeasurement[] = [];
  const kept: Kept[] = [];
  const violations: string[] = [];
  const bell = createBell();
  const closing = new AbortController();
  let refusals = 0;
  let forwarding = false;
  let running: Promise<void> = Promise.resolve();

  const sendOldest = async ({ measurement, frame }: Kept): Promise<void> => {
    const { heard } = await options.line().send(frame);
    if (!heard) return;
    const hex = toHex(frame);
    if (!measurement.sent.includes(hex)) measurement.sent.push(hex);
    measurement.lastByteAt = clock.elapsed();
  };

  const forward = async (): Promise<void> => {
    for (let oldest = kept[0]; oldest !== undefined && !closing.signal.aborted; oldest = kept[0]) {
      const answered = bell.next();
      await sendOldest(oldest);
      // Rejects when the answer came, or when the battery is taken out.
      await clock.sleep(ANSWER_PATIENCE, AbortSignal.any([answered, closing.signal])).catch(() => undefined);
    }
  };

  const startForwarding = (): void => {
    if (forwarding) return;
    forwarding = true;
    running = forward().finally(() => {
      forwarding = false;
    });
  };

  const acknowledge = (): void => {
    const oldest = kept[0];
    if (oldest === undefined || oldest.measurement.sent.length === 0) return;
    kept.shift();
    oldest.measurement.delivery = "sent";
    bell.ring();
  };

  return {
    measurements,
    get waiting() {
      return kept.length;
    },
    violations,
    get refusals() {
      return refusals;
    },
    blow: (blow) => {
      if (measurements.length >= MAX_MEASUREMENTS) throw new RangeError("lung monitor: more blows than it remembers");
      const measurement: SerialMeasurement = {
        number: measurements.length + 1,
        values: valuesOf(layout, blow),
        sent: [],
        measuredAt: clock.elapsed(),
        delivery: "waiting",
        lastByteAt: null,
      };
      measurements.push(measurement);
      kept.push({ measurement, frame: vitalographTestFrame(layout, serial, blow, options.localTime() + clockError) });
      for (const lost of kept.splice(0, Math.max(0, kept.length - MEMORY))) lost.measurement.delivery = "unheard";
      startForwarding();
      return measurement;
    },
    receive: (bytes) => {
      for (const octet of bytes) {
        if (octet === ACK) acknowledge();
        else if (octet === NAK) {
          refusals += 1;
          bell.ring();
        } else if (violations.length < MAX_VIOLATIONS) violations.push(toHex(Uint8Array.of(octet)));
      }
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await running;
    },
  };
};
