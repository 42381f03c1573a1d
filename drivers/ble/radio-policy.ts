import type { SensorId } from "../../protocol/ids.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";

/** Pauses before a sensor is connected to again, by failures in a row (design drivers.md radio policy 7). */
export const RETRY_PAUSES: readonly Millis[] = [millis(100), millis(250), millis(500), seconds(1)];
/**
 * Pauses after a session, by sessions in a row that brought nothing: a sensor may advertise for some seconds after it
 * was read, and some advertise always. 5 s at most, because a measurement is advertised for 10 s or more.
 */
export const SETTLED_PAUSES: readonly Millis[] = [seconds(1), seconds(2), seconds(4), seconds(5)];
/** Silence that ends an advertising window (sensors advertise for 10 to 30 s, then sleep): counts start anew. */
export const WINDOW_GAP: Millis = seconds(30);
/** A scan is started anew this often: some controllers stop reporting, and it is how an adapter's death is noticed. */
export const SCAN_SPELL: Millis = minutes(1);
/** Pauses before an adapter in trouble is opened again, by attempts in a row. */
export const RADIO_PAUSES: readonly Millis[] = [
  seconds(1),
  seconds(2),
  seconds(4),
  seconds(8),
  seconds(16),
  seconds(30),
];

const SCAN_ENDED = "Bluetooth adapter: the scan ended by itself; if this goes on, replug the adapter";

/** What the radio does. Scanning and connecting exclude each other. */
export type RadioPhase =
  | { readonly tag: "idle" }
  | { readonly tag: "starting" }
  | { readonly tag: "resting"; readonly until: Millis }
  | { readonly tag: "scanning"; readonly until: Millis }
  /** The scan was told to stop: to connect to `next`, or to begin a new spell. */
  | { readonly tag: "stopping"; readonly next: SensorId | null }
  | { readonly tag: "connecting"; readonly sensor: SensorId };

export interface SensorPolicy {
  readonly stays: boolean;
  /** `due` from the decision to connect until that failed or led to a session. */
  readonly phase: "idle" | "due" | "session";
  readonly failures: number;
  /** Sessions in a row that ended without a reading. */
  readonly empty: number;
  readonly notBefore: Millis;
  readonly lastActive: Millis | null;
}

export interface RadioPolicyState {
  readonly phase: RadioPhase;
  readonly sensors: ReadonlyMap<SensorId, SensorPolicy>;
  /** Attempts to open the adapter since it was last well. */
  readonly attempts: number;
  /** Rungs climbed since the adapter was last well: 1 restart scan, 2 recreate, 3 report. */
  readonly rung: number;
  /** The trouble has been reported, and is not again until the adapter was well. */
  readonly reported: boolean;
}

export type AdapterTrouble = "adapter-absent" | "adapter-wedged";

export type RadioEvent = { readonly now: Millis } & (
  | { readonly tag: "begin" }
  | { readonly tag: "started" }
  /** Opening or using the adapter failed. */
  | { readonly tag: "trouble"; readonly kind: AdapterTrouble; readonly message: string }
  | { readonly tag: "heard"; readonly sensor: SensorId; readonly connectable: boolean }
  | { readonly tag: "scan-stopped" }
  | { readonly tag: "connected"; readonly sensor: SensorId }
  /** The sensor, not the adapter, failed. */
  | { readonly tag: "not-connected"; readonly sensor: SensorId }
  | { readonly tag: "session-ended"; readonly sensor: SensorId; readonly readings: number; readonly failed: boolean }
  /** The time of the last `wake` has come. */
  | { readonly tag: "tick" }
);

export type RadioEffect =
  | { readonly tag: "start" }
  | { readonly tag: "scan" }
  | { readonly tag: "stop-scan" }
  | { readonly tag: "connect"; readonly sensor: SensorId }
  /** Send `tick` at this time; replaces an earlier one. */
  | { readonly tag: "wake"; readonly at: Millis }
  | { readonly tag: "report"; readonly kind: AdapterTrouble; readonly message: string }
  | { readonly tag: "recovered" };

export interface RadioStep {
  readonly state: RadioPolicyState;
  readonly effects: readonly RadioEffect[];
}

export const initialPolicy = (
  sensors: readonly { readonly id: SensorId; readonly stays: boolean }[],
): RadioPolicyState => ({
  phase: { tag: "idle" },
  sensors: new Map(
    sensors.map(({ id, stays }) => [
      id,
      { stays, phase: "idle", failures: 0, empty: 0, notBefore: millis(0), lastActive: null },
    ]),
  ),
  attempts: 0,
  rung: 0,
  reported: false,
});

/** The n-th of a list of pauses, the last for all beyond; none before the first failure. */
const pauseOf = (pauses: readonly Millis[], count: number): Millis =>
  count === 0 ? millis(0) : (pauses[Math.min(count, pauses.length) - 1] ?? millis(0));

const after = (now: Millis, pause: Millis): Millis => millis(now + pause);

const stay = (state: RadioPolicyState): RadioStep => ({ state, effects: [] });

/** A whole scan spell without trouble, or a connection: past trouble does not count any more. */
const well = (state: RadioPolicyState): RadioPolicyState => ({ ...state, attempts: 0, rung: 0, reported: false });

const withSensor = (state: RadioPolicyState, id: SensorId, change: Partial<SensorPolicy>): RadioPolicyState => {
  const sensor = state.sensors.get(id);
  if (sensor === undefined) return state;
  return { ...state, sensors: new Map(state.sensors).set(id, { ...sensor, ...change }) };
};

const scan = (state: RadioPolicyState, now: Millis): RadioStep => {
  const until = after(now, SCAN_SPELL);
  return {
    state: { ...state, phase: { tag: "scanning", until } },
    effects: [{ tag: "scan" }, { tag: "wake", at: until }],
  };
};

const start = (state: RadioPolicyState): RadioStep => ({
  state: { ...state, phase: { tag: "starting" }, attempts: state.attempts + 1 },
  effects: [{ tag: "start" }],
});

const rest = (state: RadioPolicyState, now: Millis): RadioStep => {
  const until = after(now, pauseOf(RADIO_PAUSES, Math.max(1, state.attempts)));
  return { state: { ...state, phase: { tag: "resting", until } }, effects: [{ tag: "wake", at: until }] };
};

const reportOnce = (step: RadioStep, kind: AdapterTrouble, message: string): RadioStep =>
  step.state.reported
    ? step
    : { state: { ...step.state, reported: true }, effects: [{ tag: "report", kind, message }, ...step.effects] };

/** Whoever was about to be connected to is not any more. */
const withoutDue = (state: RadioPolicyState): RadioPolicyState => ({
  ...state,
  sensors: new Map([...state.sensors].map(([id, one]) => [id, one.phase === "due" ? { ...one, phase: "idle" } : one])),
});

const onTrouble = (state: RadioPolicyState, kind: AdapterTrouble, message: string, now: Millis): RadioStep => {
  const free = withoutDue(state);
  if (kind === "adapter-absent") return reportOnce(rest(free, now), kind, message);
  const climbed = { ...free, rung: state.rung + 1 };
  if (state.phase.tag !== "starting" && climbed.rung === 1) return scan(climbed, now);
  if (state.phase.tag !== "starting" && climbed.rung === 2) return start(climbed);
  return reportOnce(rest(climbed, now), kind, message);
};

const onHeard = (state: RadioPolicyState, id: SensorId, connectable: boolean, now: Millis): RadioStep => {
  const sensor = state.sensors.get(id);
  if (sensor === undefined) return stay(state);
  const isNewWindow = sensor.lastActive !== null && now - sensor.lastActive > WINDOW_GAP;
  const counts = isNewWindow ? { failures: 0, empty: 0, notBefore: now } : {};
  const known = withSensor(state, id, { ...counts, lastActive: now });
  const isDue = connectable && sensor.phase === "idle" && (isNewWindow || now >= sensor.notBefore);
  if (state.phase.tag !== "scanning" || !isDue) return stay(known);
  return {
    state: { ...withSensor(known, id, { phase: "due" }), phase: { tag: "stopping", next: id } },
    effects: [{ tag: "stop-scan" }],
  };
};

const onScanStopped = (state: RadioPolicyState, now: Millis): RadioStep => {
  if (state.phase.tag === "scanning") return onTrouble(state, "adapter-wedged", SCAN_ENDED, now);
  if (state.phase.tag !== "stopping") return stay(state);
  const { next } = state.phase;
  if (next === null) return scan(state, now);
  return {
    state: { ...state, phase: { tag: "connecting", sensor: next } },
    effects: [{ tag: "connect", sensor: next }],
  };
};

const onNotConnected = (state: RadioPolicyState, id: SensorId, now: Millis): RadioStep => {
  const failures = (state.sensors.get(id)?.failures ?? 0) + 1;
  const notBefore = after(now, pauseOf(RETRY_PAUSES, failures));
  return scan(withSensor(state, id, { phase: "idle", failures, notBefore, lastActive: now }), now);
};

const onSessionEnded = (
  state: RadioPolicyState,
  id: SensorId,
  { readings, failed, now }: { readonly readings: number; readonly failed: boolean; readonly now: Millis },
): RadioStep => {
  const sensor = state.sensors.get(id);
  if (sensor === undefined) return stay(state);
  const failures = failed && readings === 0 ? sensor.failures + 1 : 0;
  const empty = readings > 0 || failures > 0 ? 0 : sensor.empty + 1;
  // A stream that ended is missed: it comes back as soon as it is heard.
  const settled = sensor.stays ? millis(0) : pauseOf(SETTLED_PAUSES, Math.max(1, empty));
  const pause = failures > 0 ? pauseOf(RETRY_PAUSES, failures) : settled;
  return stay(withSensor(state, id, { phase: "idle", failures, empty, notBefore: after(now, pause), lastActive: now }));
};

const onTick = (state: RadioPolicyState, now: Millis): RadioStep => {
  const { phase } = state;
  if (phase.tag === "resting" && now >= phase.until) return start(state);
  if (phase.tag !== "scanning" || now < phase.until) return stay(state);
  return { state: { ...well(state), phase: { tag: "stopping", next: null } }, effects: [{ tag: "stop-scan" }] };
};

/** It may fail again at once, so nothing is forgotten yet. */
const onStarted = (state: RadioPolicyState, now: Millis): RadioStep => {
  const step = scan(state, now);
  return state.reported ? { ...step, effects: [{ tag: "recovered" }, ...step.effects] } : step;
};

const onConnected = (state: RadioPolicyState, id: SensorId, now: Millis): RadioStep =>
  scan(withSensor(well(state), id, { phase: "session", lastActive: now }), now);

/**
 * The radio policy of the design as one pure transition: connect to enrolled sensors as soon as they are heard, one at
 * a time, scan at all other times; sessions run beside that. An adapter in trouble is opened again and again; a wedged
 * one gets a new scan first, then a new binding. Silence is no fault.
 */
export const radioPolicy = (state: RadioPolicyState, event: RadioEvent): RadioStep => {
  switch (event.tag) {
    case "begin":
      return start(state);
    case "started":
      return onStarted(state, event.now);
    case "trouble":
      return onTrouble(state, event.kind, event.message, event.now);
    case "heard":
      return onHeard(state, event.sensor, event.connectable, event.now);
    case "scan-stopped":
      return onScanStopped(state, event.now);
    case "connected":
      return onConnected(state, event.sensor, event.now);
    case "not-connected":
      return onNotConnected(state, event.sensor, event.now);
    case "session-ended":
      return onSessionEnded(state, event.sensor, event);
    case "tick":
      return onTick(state, event.now);
  }
};
