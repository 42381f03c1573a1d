import type { SensorId } from "../../protocol/ids.ts";
import type { Advertisement, RadioState } from "../../protocol/ports/radio.ts";
import type { Arrival } from "../../protocol/time.ts";
import type { BleEnrolment, SessionOutcome } from "./sensor-session.ts";

/** One enrolled sensor as the radio knows it. Counts are since the start of the hub. */
export interface SensorRadioStatus {
  readonly sensor: SensorId;
  readonly address: string;
  readonly phase: "idle" | "connecting" | "session";
  /** When it last advertised. */
  readonly lastSeen: Arrival | null;
  /** Signal strength of that advertisement, dBm. */
  readonly rssi: number | null;
  readonly lastSession: SessionOutcome | null;
  /** Why the last attempt to connect failed, as a sentence; null where it did not. */
  readonly trouble: string | null;
  readonly sessions: number;
  /** Attempts to connect that failed. */
  readonly failures: number;
  /** Readings made durable. */
  readonly readings: number;
}

export interface RadioStatus {
  readonly state: RadioState;
  /** Why the radio is not ready, as a sentence with the next step; null when it is. */
  readonly trouble: string | null;
  readonly sensors: readonly SensorRadioStatus[];
  /** Medical sensors nearby that are not enrolled: advertisements heard, and how often that was reported. */
  readonly unknown: { readonly heard: number; readonly reported: number };
}

/** What happened to each sensor, kept for the technician. */
export interface RadioLedger {
  seen(sensor: SensorId, advertisement: Advertisement): void;
  connecting(sensor: SensorId): void;
  failed(sensor: SensorId, trouble: string): void;
  connected(sensor: SensorId): void;
  ended(sensor: SensorId, outcome: SessionOutcome): void;
  sensors(): readonly SensorRadioStatus[];
}

export const createRadioLedger = (enrolments: readonly BleEnrolment[]): RadioLedger => {
  const lines = new Map<SensorId, SensorRadioStatus>(
    enrolments.map(({ sensor, address }) => [
      sensor.id,
      {
        sensor: sensor.id,
        address,
        phase: "idle",
        lastSeen: null,
        rssi: null,
        lastSession: null,
        trouble: null,
        sessions: 0,
        failures: 0,
        readings: 0,
      },
    ]),
  );
  const change = (sensor: SensorId, next: (line: SensorRadioStatus) => Partial<SensorRadioStatus>): void => {
    const line = lines.get(sensor);
    if (line !== undefined) lines.set(sensor, { ...line, ...next(line) });
  };
  return {
    seen: (sensor, { at, rssi }) => change(sensor, () => ({ lastSeen: at, rssi })),
    connecting: (sensor) => change(sensor, () => ({ phase: "connecting" })),
    failed: (sensor, trouble) => change(sensor, ({ failures }) => ({ phase: "idle", trouble, failures: failures + 1 })),
    connected: (sensor) =>
      change(sensor, ({ sessions }) => ({ phase: "session", trouble: null, sessions: sessions + 1 })),
    ended: (sensor, outcome) =>
      change(sensor, ({ readings }) => ({
        phase: "idle",
        lastSession: outcome,
        readings: readings + outcome.readings,
      })),
    sensors: () => [...lines.values()],
  };
};
