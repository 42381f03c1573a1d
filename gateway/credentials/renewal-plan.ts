import { type EpochMs, epochMs, type Millis, millis, minutes } from "../../protocol/time.ts";

/** From when to when a certificate is good. */
export interface Lifetime {
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
}

/** Hubs that were made on one day do not all ask in one minute: spread over a hundredth of the lifetime. */
const SPREAD = 1 / 100;

/** The moment from which a certificate is to be renewed: when a third of its life is left. `roll` is in [0, 1). */
export const renewalDue = ({ notBefore, notAfter }: Lifetime, roll: number): EpochMs => {
  const life = notAfter - notBefore;
  return epochMs(Math.round(notAfter - life / 3 + roll * life * SPREAD));
};

/** Less than a sixth of its life left: renewal has failed for as long, and a person should know. */
export const endsSoon = ({ notBefore, notAfter }: Lifetime, now: EpochMs): boolean =>
  notAfter - now < (notAfter - notBefore) / 6;

export const SHORTEST_WAIT = minutes(1);
/** Of a third of 90 days this leaves 60 attempts. */
export const LONGEST_WAIT = minutes(12 * 60);
/** 2^10 x 1 min is above the longest wait. */
const MOST_DOUBLINGS = 10;

/** Full jitter between a minute and a ceiling that doubles with each failure, to half a day. */
export const waitAfter = (failures: number, roll: number): Millis => {
  const ceiling = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** Math.min(failures, MOST_DOUBLINGS));
  return millis(Math.round(SHORTEST_WAIT + roll * (ceiling - SHORTEST_WAIT)));
};

/** What a server asks for, within reason: it may not stop the renewal, nor have itself asked without end. */
export const boundedWait = (asked: Millis): Millis => millis(Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, asked)));
