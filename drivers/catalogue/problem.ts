/** Something in a catalogue that is not as it should be. */
export interface CatalogueProblem {
  /** `error`: the hub refuses the catalogue, or could not read this model rightly. `warning`: a person should look. */
  readonly level: "error" | "warning";
  /** Name of the file in its folder. */
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  /** `recognise.ble.services.0`; `(file)` for the file as a whole. */
  readonly path: string;
  /** What was expected and what was found. */
  readonly found: string;
  /** What to do. */
  readonly next: string;
}

/** `and-ua-651ble.yaml:12 pairing: expected one of ..., found "handshake"; correct it`. */
export const problemText = ({ file, line, path, found, next }: CatalogueProblem): string =>
  `${file}:${line} ${path}: ${found}; ${next}`;
