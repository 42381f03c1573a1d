import fc from "fast-check";
import { expect } from "vitest";
import { type Happening, happening } from "./happenings.ts";
import { isUnwanted, liveTheWholeWay } from "./whole-way.ts";

/** A life that takes longer never ends; it shows itself with its seed. */
const LONGEST_LIFE = 120_000;

const checkOne = async (happenings: readonly Happening[]): Promise<void> => {
  const { taken, ...end } = await liveTheWholeWay(happenings);
  expect(end).toEqual({
    effects: taken.filter((idem) => !isUnwanted(idem)),
    refused: taken.filter(isUnwanted),
    waiting: 0,
    gaps: 0,
    numberingRestarts: 0,
  });
};

/** Lives of chance, of at most `longest` happenings each; a failure prints its seed and path. */
export const checkLives = (lives: number, longest: number, seed?: number): Promise<void> =>
  fc.assert(fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: longest }), checkOne), {
    numRuns: lives,
    endOnFailure: true,
    timeout: LONGEST_LIFE,
    ...(seed === undefined ? {} : { seed }),
  });
