import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import type { Hands } from "./habits.ts";
import type { Tell } from "./home-event.ts";
import type { HomeSensor } from "./home-sensor.ts";
import type { Patient } from "./patient.ts";
import type { SensorName } from "./truth.ts";

/** What keeps a patient from measuring while an update is under way. */
export interface RestInput {
  /** On a cable: for the hub its measurement is over only a while after its last octets. */
  readonly isWired: boolean;
  /** What the hub last reported of the update that the region wants; null while it wants none. */
  readonly state: string | null;
  /** Since a sensor was last used. */
  readonly since: Millis;
}

/** A session over Bluetooth takes about a second: the hub finds a gap, and readings go on. */
const SPACED = seconds(8);
/** Before the hub asks whether somebody measures, and while it waits until nobody does. Idle: it has not begun to look. */
const BEFORE_SWITCH: ReadonlySet<string> = new Set([
  "idle",
  "checking",
  "offered",
  "downloading",
  "paused",
  "waiting-window",
]);
/** It is about to ask. */
const ABOUT_TO_SWITCH: ReadonlySet<string> = new Set(["verifying", "staged", "activating"]);

/**
 * Whether the patient leaves a sensor alone. An update never interrupts a measurement, so one who measured without a
 * pause would never get it: what is wired rests until its outcome; Bluetooth sensors have pauses until the hub is about to switch, and then rest.
 */
export const isRested = ({ isWired, state, since }: RestInput): boolean => {
  if (state === null) return false;
  if (isWired || ABOUT_TO_SWITCH.has(state)) return true;
  return BEFORE_SWITCH.has(state) && since < SPACED;
};

/** What a patient does who lives with updates: the hands of a scenario, and the rests. */
export interface CarefulHands extends Hands {
  /** Takes off what is worn and puts away what would answer, or takes it out again. */
  rest(begins: boolean): Promise<void>;
}

export interface CarefulHandsOptions {
  readonly clock: Clock;
  readonly patient: Patient;
  readonly sensors: readonly HomeSensor[];
  /** Those that the scenario uses. */
  readonly habits: readonly SensorName[];
  /** As `RestInput` has it. */
  readonly state: () => string | null;
  readonly setPlugged: Hands["setPlugged"];
  readonly tell: Tell;
}

export const createCarefulHands = (options: CarefulHandsOptions): CarefulHands => {
  const { clock, patient, sensors, habits, state, setPlugged, tell } = options;
  const named = (name: SensorName): HomeSensor | undefined => sensors.find((sensor) => sensor.name === name);
  let usedAt = clock.elapsed();
  let resting: readonly SensorName[] = [];

  const rest = async (begins: boolean): Promise<void> => {
    const wired = sensors.filter(({ name, line, worn }) => line !== null && (worn || habits.includes(name)));
    for (const sensor of begins ? wired : []) sensor.leave();
    const now = begins ? wired.map(({ name }) => name) : [];
    if (now.length + resting.length > 0) tell({ event: "rest", sensors: now });
    resting = now;
  };

  return {
    rest,
    use: (name) => {
      const sensor = named(name);
      if (sensor === undefined) throw new RangeError(`home: no sensor is called ${name}`);
      const since = millis(clock.elapsed() - usedAt);
      if (isRested({ isWired: sensor.line !== null, state: state(), since })) return;
      usedAt = clock.elapsed();
      sensor.use(patient);
    },
    takeOff: (name) => named(name)?.leave(),
    setPlugged,
  };
};
