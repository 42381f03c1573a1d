import { hash } from "node:crypto";
import { RECEPTION_DELAY } from "../../drivers/normalise/reading.ts";
import { UNASSIGNED } from "../../protocol/desired.ts";
import { readingIdOf } from "../../protocol/idem.ts";
import type { Idem } from "../../protocol/ids.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { minutes } from "../../protocol/time.ts";

/** Where the hub does not know the error of its clock: more than any that was trusted has had. */
const UNKNOWN_ERROR = minutes(10);

/**
 * How long before its reception a value was measured at most. What a cable brings while nobody listens is lost, so that
 * what was heard was sent since.
 */
const HEARD_LATE = { ble: RECEPTION_DELAY.ble, serial: 0, manual: 0 } as const;

/** How far the time of measurement may be off. By reception it is told by the clock that told the hand-over. */
const errorOf = ({ time, provenance }: DraftReading): number =>
  time.basis === "reception" ? HEARD_LATE[provenance.transport] : (time.uncertaintyMs ?? UNKNOWN_ERROR);

/**
 * Whether the reading was certainly measured after `begun`. A sensor's memory holds what was measured before a hand-over,
 * and some sensors send their memory as if it were new: whatever has a stamp of its own, or is said to be stored, has to
 * show that it is later, its uncertainty taken off. A value without a stamp that is not stored was measured now. What a
 * person enters by hand is of whom it is entered for, also of this morning.
 */
const isAfter = (reading: DraftReading, begun: number | null): boolean => {
  const { time, quality, provenance } = reading;
  if (provenance.transport === "manual") return true;
  const start = time.start === null ? null : Date.parse(time.start);
  if (start !== null && begun !== null) return start - errorOf(reading) >= begun;
  return time.deviceRaw === null && !quality.includes("stored") && time.faults.length === 0;
};

/** Another measurement as far as ids go: the region must not take it for one of the assignment in force. */
const unassignedIdem = (idem: Idem): Idem => `sha256:${hash("sha256", `hemhub.unassigned.1 ${idem}`, "hex")}` as Idem;

/**
 * The reading as it is to be stored, given since when its assignment is in force: a reading that was or may have been
 * measured before a hand-over is nobody's as far as the hub knows, and `unconfirmed`. Pure.
 */
export const attributed = (reading: DraftReading, begun: number | null | "always"): DraftReading => {
  if (begun === "always" || isAfter(reading, begun)) return reading;
  const idem = unassignedIdem(reading.idem);
  const quality = reading.quality.filter((one) => one !== "unconfirmed");
  return { ...reading, id: readingIdOf(idem), idem, assignment: UNASSIGNED, quality: [...quality, "unconfirmed"] };
};
