import { turn } from "../../hardware-sim/clock/simulated-clock.ts";

/** Calls of a part that works in real time, so that a simulated clock can stand still meanwhile. */
export interface Watch {
  /** The same part; every call of it that returns a promise is counted until that settles. */
  over<T extends object>(part: T): T;
  /** Resolves when no call is under way, and what waited for the last one has gone on. */
  atRest(): Promise<void>;
}

/** What waits for a call needs a few turns before it makes the next one. */
const TURNS_OF_REST = 3;

export const createWatch = (): Watch => {
  let underWay = 0;
  const count = (result: unknown): unknown => {
    if (!(result instanceof Promise)) return result;
    underWay += 1;
    const end = (): void => {
      underWay -= 1;
    };
    result.then(end, end);
    return result;
  };
  return {
    over: (part) =>
      new Proxy(part, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return (...args: unknown[]): unknown => count(Reflect.apply(value, target, args));
        },
      }),
    atRest: async () => {
      for (let quiet = 0; quiet < TURNS_OF_REST; quiet = underWay === 0 ? quiet + 1 : 0) await turn();
    },
  };
};
