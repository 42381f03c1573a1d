/** What a process had of everything that may leak, at one moment. */
export interface Sample {
  readonly day: number;
  /** Of the JavaScript heap after a collection, bytes. */
  readonly heap: number;
  /** Outside of it: buffers and native memory that V8 knows of, bytes. */
  readonly external: number;
  readonly openFiles: number;
  /** Sleepers of the simulated clock. */
  readonly sleeping: number;
  /** What keeps the event loop alive (process.getActiveResourcesInfo). */
  readonly resources: number;
  /** Size of the outbox's files, bytes. */
  readonly stored: number;
  /** Bytes of log since the sample before. */
  readonly logged: number;
}

/** Slope of a line through the points, by least squares. */
export const slopeOf = (points: readonly (readonly [number, number])[]): number => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const over = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return over / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
};

/**
 * What each of them may grow by a day, by the slope over all samples. Memory: a reading has some 2 kB, so keeping one of
 * a hundred of a day's 144 would show. A number of files or sleepers that rises by one in ten days is a leak.
 */
export interface Limits {
  readonly heap: number;
  readonly external: number;
  readonly openFiles: number;
  readonly sleeping: number;
  readonly resources: number;
  readonly stored: number;
  readonly logged: number;
}

/** The names of what grows faster than it may, each with its slope a day; empty where nothing leaks. */
export const growing = (samples: readonly Sample[], limits: Limits): readonly string[] =>
  (Object.keys(limits) as (keyof Limits)[]).flatMap((name) => {
    const slope = slopeOf(samples.map((sample) => [sample.day, sample[name]]));
    return slope > limits[name] ? [`${name} grows by ${slope.toFixed(2)} a day`] : [];
  });
