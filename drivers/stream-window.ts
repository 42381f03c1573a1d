/** Where a stream is: waiting for the first reading, or on its way to the next. */
export type StreamWindow =
  | { readonly tag: "starting"; readonly agreeing: readonly Vitals[]; readonly invalid: number }
  | { readonly tag: "counting"; readonly progress: number; readonly invalid: number };

/** Values of one moment, each with its own meaning and place. */
export type Vitals = readonly number[];

/** One moment of a stream. `isOff`: the sensor is off the patient, which ends the window at once. */
export type StreamMoment =
  | { readonly tag: "valid"; readonly vitals: Vitals; readonly progress: number }
  | { readonly tag: "invalid"; readonly isOff: boolean };

export interface StreamRule {
  /** Moments in a row that have to agree for the first reading. */
  readonly toStart: number;
  /** Moments agree when none of their values spreads by more than this. */
  readonly agreeWithin: Vitals;
  /** Progress from one reading to the next. */
  readonly perReading: number;
  /** Invalid moments in a row that close the window. */
  readonly toClose: number;
}

export const STREAM_START: StreamWindow = { tag: "starting", agreeing: [], invalid: 0 };

const doAgree = (moments: readonly Vitals[], within: Vitals): boolean =>
  within.every((most, at) => {
    const values = moments.map((vitals) => vitals[at] ?? 0);
    return Math.max(...values) - Math.min(...values) <= most;
  });

const afterInvalid = (window: StreamWindow, isOff: boolean, { toClose }: StreamRule): StreamWindow => {
  const invalid = window.invalid + 1;
  if (isOff || invalid >= toClose) return STREAM_START;
  return window.tag === "starting" ? { ...window, agreeing: [], invalid } : { ...window, progress: 0, invalid };
};

/**
 * What the next moment makes of a stream, and whether it is a reading. The first reading comes as soon as a few valid
 * moments in a row agree, so that a short clip-on gives one; then one at each `perReading`, with the values of the
 * moment that completes it. A short artifact starts the count again; a sensor that is off closes the window, and the
 * next one starts afresh. What is lost on the way does not count.
 */
export const nextStreamWindow = (
  window: StreamWindow,
  moment: StreamMoment,
  rule: StreamRule,
): { readonly window: StreamWindow; readonly take: boolean } => {
  if (moment.tag === "invalid") return { window: afterInvalid(window, moment.isOff, rule), take: false };
  if (window.tag === "counting") {
    const progress = window.progress + moment.progress;
    const take = progress >= rule.perReading;
    return { window: { tag: "counting", progress: take ? 0 : progress, invalid: 0 }, take };
  }
  const agreeing = [...window.agreeing, moment.vitals].slice(-rule.toStart);
  const take = agreeing.length === rule.toStart && doAgree(agreeing, rule.agreeWithin);
  return {
    window: take ? { tag: "counting", progress: 0, invalid: 0 } : { tag: "starting", agreeing, invalid: 0 },
    take,
  };
};
