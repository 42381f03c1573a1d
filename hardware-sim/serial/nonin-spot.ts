import { toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { MAX_MEASUREMENTS } from "./line-scale.ts";
import { deliveryOf, type SerialMeasurement } from "./measurement.ts";
import { type CivilTime, noninSpotPacket } from "./nonin-frames.ts";
import type { Patient } from "./nonin-stream.ts";
import type { SerialLine } from "./serial-line.ts";

/** "Memory capacity to store a minimum of 20 SmartPoint measurements": the oldest goes when a further one comes. */
const MEMORY = 20;
/** The connection is tried again while something waits. */
const RETRY_EVERY = millis(500);
/** A command is at most 10 bytes; a longer one without an end is noise. */
const MAX_COMMAND_BYTES = 16;

const ACK = Uint8Array.of(0x06);
const NAK = Uint8Array.of(0x15);

/**
 * A finger oximeter in data format 13 (Nonin 6470-000-01, pages 5 to 7): one record a spot check, with the date and
 * time of its own clock. Without a listener it keeps records and forwards the oldest first, marked as from memory;
 * what was sent is removed. The document knows no acknowledgement of a record, so a record counts as sent when the
 * line took it. It obeys: select data format (answers ACK or NAK), set time, tell time (page 4).
 */
export interface NoninSpot extends AsyncDisposable {
  readonly measurements: readonly SerialMeasurement[];
  measure(patient: Patient): SerialMeasurement;
  /** Its clock, which may be wrong: milliseconds ahead of the home's local time. */
  readonly clockError: Millis;
  setClockError(error: Millis): void;
  /** For the line: bytes from the hub. */
  receive(bytes: Uint8Array): void;
}

const civilOf = (localMs: number): CivilTime => {
  const at = new Date(localMs);
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
  };
};

interface Waiting {
  readonly measurement: SerialMeasurement;
  readonly patient: Patient;
  readonly time: CivilTime;
  kept: boolean;
}

export interface NoninSpotOptions {
  readonly clock: Clock;
  /** Local time of the home at a moment of the wall clock, in milliseconds as if it were UTC. */
  readonly localTime: () => number;
  readonly clockError?: Millis;
  /** Its line; a function, because line and oximeter need each other. */
  readonly line: () => SerialLine;
}

export const createNoninSpot = (options: NoninSpotOptions): NoninSpot => {
  const { clock } = options;
  const measurements: SerialMeasurement[] = [];
  const memory: Waiting[] = [];
  const closing = new AbortController();
  let clockError = options.clockError ?? millis(0);
  let pending: number[] = [];
  let forwarding = false;
  let running: Promise<void> = Promise.resolve();

  /** True when the record left, spoiled or not. */
  const sendOne = async (one: Waiting): Promise<boolean> => {
    const bytes = noninSpotPacket({ ...one.patient, time: one.time, fromMemory: one.kept, lowBattery: false });
    const delivery = deliveryOf(await options.line().send(bytes));
    if (delivery === "unheard") return false;
    one.measurement.sent.push(toHex(bytes));
    one.measurement.lastByteAt = clock.elapsed();
    one.measurement.delivery = delivery;
    return true;
  };

  const forward = async (): Promise<void> => {
    for (let oldest = memory[0]; oldest !== undefined; oldest = memory[0]) {
      if (await sendOne(oldest)) {
        if (memory[0] === oldest) memory.shift();
        continue;
      }
      oldest.kept = true;
      await clock.sleep(RETRY_EVERY, closing.signal);
    }
  };

  const startForwarding = (): void => {
    if (forwarding || closing.signal.aborted) return;
    forwarding = true;
    running = forward()
      .catch((thrown) => {
        if (!closing.signal.aborted) throw thrown;
      })
      .finally(() => {
        forwarding = false;
      });
  };

  const answer = (bytes: Uint8Array): void => {
    running = Promise.all([running, options.line().send(bytes)]).then(() => undefined);
  };

  /** A whole command: STX, operation, size, data, ETX. */
  const obey = (operation: number, data: readonly number[]): void => {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = data;
    if (operation === 0x70) answer(data[0] === 0x02 && data[1] === 0x0d ? ACK : NAK);
    else if (operation === 0x72 && data.length === 6) {
      clockError = millis(Date.UTC(2000 + year, month - 1, day, hour, minute, second) - options.localTime());
    } else if (operation === 0x72 && data.length === 0) {
      const now = civilOf(options.localTime() + clockError);
      const { month: mm, day: dd, hour: hh, minute: mi, second: ss } = now;
      answer(Uint8Array.of(0x02, 0xf2, 0x06, now.year % 100, mm, dd, hh, mi, ss, 0x03));
    } else answer(NAK);
  };

  return {
    measurements,
    get clockError() {
      return clockError;
    },
    setClockError: (error) => {
      clockError = error;
    },
    measure: (patient) => {
      if (measurements.length >= MAX_MEASUREMENTS)
        throw new RangeError("oximeter: more measurements than it remembers");
      const measurement: SerialMeasurement = {
        number: measurements.length + 1,
        values: [
          { quantity: "spo2", value: patient.spo2, decimals: 0, unit: "%" },
          { quantity: "pulse-rate.oximeter", value: patient.pulse, decimals: 0, unit: "/min" },
        ],
        sent: [],
        measuredAt: clock.elapsed(),
        delivery: "waiting",
        lastByteAt: null,
      };
      measurements.push(measurement);
      memory.push({ measurement, patient, time: civilOf(options.localTime() + clockError), kept: false });
      if (memory.length > MEMORY) {
        const oldest = memory.shift();
        if (oldest !== undefined) oldest.measurement.delivery = "unheard";
      }
      startForwarding();
      return measurement;
    },
    receive: (bytes) => {
      for (const byte of bytes) {
        if (pending.length === 0 && byte !== 0x02) continue;
        pending.push(byte);
        const size = pending[2];
        if (size !== undefined && pending.length === size + 4) {
          if (byte === 0x03) obey(pending[1] ?? 0, pending.slice(3, -1));
          pending = [];
        } else if (pending.length > MAX_COMMAND_BYTES) pending = [];
      }
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await running;
    },
  };
};
