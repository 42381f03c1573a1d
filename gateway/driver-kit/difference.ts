import type { Capture } from "./capture.ts";

/** Where a driver did something else than its capture says. `line` is that of the capture's file. */
export interface Difference {
  readonly line: number;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** `drivers/captures/and-ek-l.yaml:24 readings[0].status: expected final, found preliminary`. */
export const differenceLine = ({ file }: Pick<Capture, "file">, difference: Difference): string =>
  `${file}:${difference.line} ${difference.what}: expected ${difference.expected}, found ${difference.found}`;
