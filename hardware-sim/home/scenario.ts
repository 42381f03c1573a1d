import { HubError } from "../../protocol/errors.ts";
import type { SensorTrouble } from "./home-sensor.ts";
import type { ReleaseContent } from "./release-publisher.ts";
import type { SensorName } from "./truth.ts";

/** Milliseconds from and to; each wait is drawn from the seed. */
export type Span = readonly [from: number, to: number];

/** How the patient uses one sensor: after `first`, and then again after each `every`. */
export interface Habit {
  readonly sensor: SensorName;
  readonly first: Span;
  readonly every: Span;
  /** For a sensor that is worn: how long it stays on; `every` is then the pause. */
  readonly wears?: Span;
}

/** What happens to a cable: pulled after each `every`, back in after `for`. */
export interface CablePull {
  readonly sensor: SensorName;
  readonly every: Span;
  readonly for: Span;
}

/** A day in a home, as data. The same scenario and seed give the same day. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly habits: readonly Habit[];
  /** What the home has; every sensor where it is left out. */
  readonly sensors?: readonly SensorName[];
  readonly trouble: Readonly<Record<SensorName, SensorTrouble>>;
  readonly cables: readonly CablePull[];
  /** Share of advertisements that the hub's radio misses. */
  readonly radioLoss: number;
  /** Releases that the region publishes, one after the other: the first after this wait, each when the one before is over. */
  readonly releases?: { readonly first: Span; readonly contents: readonly ReleaseContent[] };
}

const HOURS = 3_600_000;

/** Clocks as they are found in homes: summer time missed, a day off after a change of batteries, a little fast. */
const WRONG_CLOCKS: Readonly<Record<SensorName, SensorTrouble>> = {
  cuff: { clockErrorMs: -1 * HOURS },
  "bathroom-scale": { clockErrorMs: 26 * HOURS },
  "spot-oximeter": { clockErrorMs: 95_000, line: { repeat: 0.2 } },
  "glucose-meter": { clockErrorMs: 7 * 60_000 },
  "glucose-meter-cable": { clockErrorMs: -12 * HOURS },
};

/**
 * A patient's day pressed into half a minute: every sensor is used, several times, and things are a little wrong as
 * they are: three clocks, an indication twice now and then, noise on the lines, weak radio.
 */
const day: Scenario = {
  name: "day",
  summary: "a patient's day in half a minute: every sensor, wrong clocks, a little noise",
  habits: [
    { sensor: "scale", first: [500, 1500], every: [3500, 5500] },
    { sensor: "cuff", first: [1500, 2500], every: [6000, 9000] },
    { sensor: "oximeter", first: [800, 1200], wears: [12_000, 16_000], every: [3000, 4000] },
    { sensor: "thermometer", first: [3000, 4000], every: [7000, 10_000] },
    { sensor: "spot-oximeter", first: [2000, 3000], every: [5000, 7000] },
    { sensor: "bathroom-scale", first: [5000, 6000], every: [9000, 12_000] },
    { sensor: "body-scale", first: [4000, 5000], every: [6000, 9000] },
    { sensor: "glucose-meter", first: [6000, 7000], every: [10_000, 13_000] },
    { sensor: "glucose-meter-cable", first: [3500, 4500], every: [8000, 11_000] },
  ],
  trouble: {
    ...WRONG_CLOCKS,
    cuff: { clockErrorMs: -1 * HOURS, duplicateIndication: 0.3 },
    oximeter: { line: { noise: 0.002 } },
    "body-scale": { line: { noise: 0.05, flip: 0.05 } },
  },
  cables: [],
  radioLoss: 0.1,
};

/** As many readings as one home can ever produce, about five a second, for soak runs. */
const busy: Scenario = {
  name: "busy",
  summary: "as many readings as a home could ever produce, about five a second",
  habits: [
    { sensor: "scale", first: [200, 600], every: [500, 700] },
    { sensor: "body-scale", first: [200, 600], every: [800, 1200] },
    { sensor: "spot-oximeter", first: [200, 600], every: [1100, 1500] },
    { sensor: "oximeter", first: [200, 600], wears: [60_000, 90_000], every: [3000, 4000] },
    { sensor: "cuff", first: [500, 900], every: [2500, 3500] },
    { sensor: "thermometer", first: [900, 1300], every: [2500, 3500] },
    { sensor: "bathroom-scale", first: [1300, 1700], every: [2500, 3500] },
    { sensor: "glucose-meter", first: [1700, 2100], every: [2500, 3500] },
    { sensor: "glucose-meter-cable", first: [1700, 2100], every: [2500, 3500] },
  ],
  trouble: {},
  cables: [],
  radioLoss: 0,
};

/** A home at rest: now and then one reading, nothing wrong. Shows what a reading costs when nothing else goes on. */
const quiet: Scenario = {
  name: "quiet",
  summary: "now and then one reading, nothing wrong",
  habits: [
    { sensor: "scale", first: [1000, 2000], every: [8000, 12_000] },
    { sensor: "cuff", first: [3000, 4000], every: [12_000, 15_000] },
    { sensor: "thermometer", first: [6000, 7000], every: [12_000, 15_000] },
  ],
  trouble: {},
  cables: [],
  radioLoss: 0,
};

/** Everything at once: cables come out, links drop in the middle of an indication, lines are noisy, clocks are wrong. */
const rough: Scenario = {
  name: "rough",
  summary: "cables come out, links drop in mid-indication, noisy lines, wrong clocks",
  habits: day.habits,
  trouble: {
    scale: { line: { noise: 0.05, flip: 0.05, repeat: 0.2 } },
    "body-scale": { line: { noise: 0.1, flip: 0.1, loss: 0.05 } },
    oximeter: { line: { noise: 0.01, flip: 0.01, loss: 0.005 } },
    "spot-oximeter": { clockErrorMs: 95_000, line: { noise: 0.1, flip: 0.1, loss: 0.05, repeat: 0.2 } },
    cuff: { clockErrorMs: -1 * HOURS, duplicateIndication: 0.3, dropMidIndication: 0.2 },
    "bathroom-scale": { clockErrorMs: 26 * HOURS, dropMidIndication: 0.2 },
    thermometer: { duplicateIndication: 0.3, dropMidIndication: 0.2 },
  },
  cables: [
    { sensor: "scale", every: [6000, 9000], for: [1000, 2500] },
    { sensor: "spot-oximeter", every: [9000, 12_000], for: [1500, 3000] },
  ],
  radioLoss: 0.3,
};

/**
 * A release is published, signed, taken and run, then one that cannot run and is taken back, and readings come all the
 * while. Bluetooth sensors only: each update would wait for a while after the last octets from a cable.
 */
const update: Scenario = {
  name: "update",
  summary: "a signed release is installed, then a broken one that rolls back by itself",
  habits: [
    { sensor: "cuff", first: [500, 1000], every: [4000, 6000] },
    { sensor: "thermometer", first: [1000, 2000], every: [4000, 6000] },
    { sensor: "bathroom-scale", first: [2000, 3000], every: [5000, 7000] },
    { sensor: "glucose-meter", first: [3000, 4000], every: [6000, 9000] },
  ],
  sensors: ["cuff", "thermometer", "bathroom-scale", "glucose-meter"],
  trouble: {},
  cables: [],
  radioLoss: 0,
  releases: { first: [4000, 5000], contents: ["good", "broken"] },
};

/** A home in which nobody does anything by themselves: for tests and for keys pressed by a person. */
const still: Scenario = {
  name: "still",
  summary: "nothing happens by itself",
  habits: [],
  trouble: {},
  cables: [],
  radioLoss: 0,
};

export const SCENARIOS: readonly Scenario[] = [day, busy, quiet, rough, update, still];

/** Throws HubError `invalid-argument` that names those there are. */
export const scenarioNamed = (name: string): Scenario => {
  const found = SCENARIOS.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = SCENARIOS.map((one) => one.name).join(", ");
  throw new HubError("invalid-argument", `scenario ${JSON.stringify(name)}: there is none of that name; use ${names}`);
};
