import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import type { Chance } from "../radio/seeded.ts";
import type { CablePull, Habit, Scenario, Span } from "./scenario.ts";
import type { SensorName } from "./truth.ts";

/** What a scenario does to a home. */
export interface Hands {
  use(sensor: SensorName): void;
  /** What is worn; nothing where it is off already. */
  takeOff(sensor: SensorName): void;
  setPlugged(sensor: SensorName, plugged: boolean): Promise<void>;
}

const drawn = ([from, to]: Span, chance: Chance): Millis => millis(chance.whole(from, to));

/**
 * Lives the scenario until the signal aborts; resolves then. What is worn or unplugged at that moment stays so. Rejects
 * at once when a hand fails.
 */
export const live = async (
  scenario: Scenario,
  hands: Hands,
  clock: Clock,
  chance: Chance,
  signal: AbortSignal,
): Promise<void> => {
  const failing = new AbortController();
  const until = AbortSignal.any([signal, failing.signal]);

  const keep = async (habit: Habit): Promise<void> => {
    const own = chance.fork(`habit ${habit.sensor}`);
    await clock.sleep(drawn(habit.first, own), until);
    for (;;) {
      hands.use(habit.sensor);
      if (habit.wears !== undefined) {
        await clock.sleep(drawn(habit.wears, own), until);
        hands.takeOff(habit.sensor);
      }
      await clock.sleep(drawn(habit.every, own), until);
    }
  };
  const pull = async (cable: CablePull): Promise<void> => {
    const own = chance.fork(`cable ${cable.sensor}`);
    for (;;) {
      await clock.sleep(drawn(cable.every, own), until);
      await hands.setPlugged(cable.sensor, false);
      await clock.sleep(drawn(cable.for, own), until);
      await hands.setPlugged(cable.sensor, true);
    }
  };
  const stopped = new Promise<void>((resolve) => {
    if (until.aborted) resolve();
    until.addEventListener("abort", () => resolve(), { once: true });
  });
  /** The end of the scenario ends a habit; anything else that ends it ends the others too. */
  const guarded = (running: Promise<void>): Promise<void> =>
    running.catch((thrown) => {
      if (!until.aborted) failing.abort(thrown);
    });

  await Promise.all([...scenario.habits.map(keep), ...scenario.cables.map(pull)].map(guarded));
  await stopped;
  failing.signal.throwIfAborted();
};
