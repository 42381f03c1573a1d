import { type Millis, seconds } from "../../protocol/time.ts";

/** Between two dumps of a memory that may not have changed. */
const SHORTEST_REST = seconds(15);
/** A dump takes the line for a fifth of the time at most: one of 31 s is followed by two minutes of rest. */
const REST_FOR_DUMP = 4;

/**
 * How often a meter is asked for all that it holds, where it can tell no less. At once when it was away, or when what it
 * says of its memory has changed; else after a rest, for records that replaced others in a full memory.
 */
export interface DumpPace {
  /** `state`: what the meter says of its memory beforehand (how many records), null where nothing. */
  isDue(state: string | null, now: Millis): boolean;
  /** The memory was read as a whole. */
  done(state: string | null, began: Millis, ended: Millis): void;
  /** The meter was away, or was not read as a whole. */
  forget(): void;
}

export const createDumpPace = (): DumpPace => {
  let last: { readonly state: string | null; readonly until: number } | null = null;
  return {
    isDue: (state, now) => last === null || last.state !== state || now >= last.until,
    done: (state, began, ended) => {
      last = { state, until: ended + Math.max(SHORTEST_REST, REST_FOR_DUMP * (ended - began)) };
    },
    forget: () => {
      last = null;
    },
  };
};
