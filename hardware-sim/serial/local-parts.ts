/** Calendar and clock of a local time given in milliseconds as if it were UTC. */
export interface LocalParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Sunday 0 to Saturday 6. */
  readonly weekday: number;
}

export const localParts = (ms: number): LocalParts => {
  const at = new Date(ms);
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
    weekday: at.getUTCDay(),
  };
};

/** A number with leading zeros. */
export const padded = (value: number, digits = 2): string => String(value).padStart(digits, "0");

export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

export const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
