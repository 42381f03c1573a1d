import { withAge } from "../../drivers/normalise/age.ts";
import { dateTimeOfText } from "../../drivers/normalise/civil-time.ts";
import { madeMsOf } from "../../drivers/normalise/manufacture.ts";
import { RECEPTION_DELAY } from "../../drivers/normalise/reading.ts";
import { readingTime } from "../../drivers/normalise/time.ts";
import type { Zone } from "../../drivers/normalise/zone.ts";
import type { DraftReading, ReadingTime } from "../../protocol/reading.ts";
import { type Arrival, epochMs, millis } from "../../protocol/time.ts";
import { entryTime } from "../entry/stated-time.ts";
import type { ClockAnchor } from "./clock-anchor.ts";

/** Quartz of a small board, with temperature: 50 parts in a million between the anchor and the arrival. */
const DRIFT = 50e-6;

/** The arrival of a reading on the clock that was set later in the same boot. */
const arrivalOf = ({ received }: ReadingTime, anchor: ClockAnchor): Arrival => {
  const sinceAnchor = received.monoMs - anchor.monoMs;
  const { errorMs } = anchor.hubClock;
  return {
    utc: epochMs(Math.round(anchor.utc + sinceAnchor)),
    bootId: received.bootId,
    monoMs: millis(received.monoMs),
    hubClock: {
      state: "holdover",
      errorMs: errorMs === null ? null : Math.ceil(errorMs + DRIFT * Math.abs(sinceAnchor)),
    },
  };
};

/** What somebody stated stays; else it was entered when it was received. A correction of what had no time has none. */
const manualTime = ({ time, replaces }: DraftReading, at: Arrival): ReadingTime => {
  const isOpen = time.basis === "unknown" && replaces === null;
  return entryTime(null, isOpen ? null : time, at);
};

const sensorTime = (reading: DraftReading, at: Arrival, zone: Zone): ReadingTime | null => {
  const { deviceRaw, coincident, durationMs = 0, faults } = reading.time;
  const { transport } = reading.provenance;
  const device = deviceRaw === null ? null : dateTimeOfText(deviceRaw.text);
  if (transport === "manual" || (deviceRaw !== null && device === null)) return null;
  const isOpenPair = coincident !== null && coincident.hub === null;
  const time = readingTime({
    device,
    offsetMin: deviceRaw?.offsetMin ?? null,
    weekday: null,
    durationMs,
    receptionDelayMs: RECEPTION_DELAY[transport],
    at,
    pair: isOpenPair
      ? {
          device: coincident.device,
          hub: { ...at, monoMs: millis(coincident.monoMs) },
          uncertaintyMs: coincident.uncertaintyMs,
          hasWrongWeekday: faults.includes("weekday-mismatch"),
          ...(coincident.ended === undefined ? {} : { ended: coincident.ended }),
        }
      : null,
    zone,
    isStored: reading.quality.includes("stored"),
    madeMs: madeMsOf(reading.device.udi),
  });
  const isMismatchLost = faults.includes("weekday-mismatch") && !time.faults.includes("weekday-mismatch");
  return isMismatchLost ? { ...time, faults: [...time.faults, "weekday-mismatch"] } : time;
};

/**
 * The reading with the times that it would have had if the hub's clock had been set when it came (design protocol.md,
 * Time 6). Only readings without a time of reception, of the anchor's own boot; others are given back as they are. Id,
 * idem and everything but the times, `hubClock` and what follows from them (`stored`) stay. Pure: the same anchor gives
 * the same reading, so that one that is sent again is the same.
 */
export const backFill = <R extends DraftReading>(reading: R, anchor: ClockAnchor, zone: Zone): R => {
  const { received } = reading.time;
  if (received.utc !== null || received.bootId !== anchor.bootId) return reading;
  const at = arrivalOf(reading.time, anchor);
  const isManual = reading.provenance.transport === "manual";
  const time = isManual ? manualTime(reading, at) : sensorTime(reading, at, zone);
  if (time === null) return reading;
  const filled = { ...reading, time };
  return isManual ? filled : { ...filled, quality: withAge(filled).quality };
};
