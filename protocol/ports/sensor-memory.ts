/**
 * What a driver remembers of one sensor from one connection to the next: the last record read, no more. Short texts by
 * key (at most 64 keys of 64 characters, 1 kB each). It belongs to the enrolment: a sensor that is enrolled for another
 * assignment starts empty. Losing it costs reading the sensor's memory again and never a reading, so a driver writes it
 * only after the readings that it speaks of are durable.
 */
export interface SensorMemory {
  /** Null where nothing was written. */
  read(key: string): string | null;
  /** Durable when it resolves. Throws HubError `invalid-argument` beyond the bounds. */
  write(key: string, text: string): Promise<void>;
}
