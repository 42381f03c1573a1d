const DAY = 86_400_000;

/** Production date, application identifier 11, YYMMDD, in the readable form of a UDI: `(01)...(11)240131(21)...`. */
const PRODUCED = /\(11\)(\d{2})(\d{2})(\d{2})(?!\d)/;

/**
 * UTC milliseconds of the beginning of the day on which a device was made, in the zone that is furthest ahead; null
 * where its UDI does not say. A catalogue knows models, not devices, so only a UDI that the sensor itself gave (UDI for
 * Medical Devices, 0x2BFF) carries it. Day 00 means that only the month is stated (GS1 General Specifications 3.4.2).
 * The service has no devices of another century.
 */
export const madeMsOf = (udi: string | null): number | null => {
  if (udi === null) return null;
  const [, year, month, day] = PRODUCED.exec(udi) ?? [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const made = Date.UTC(2000 + Number(year), Number(month) - 1, Math.max(1, Number(day)));
  return Number(month) < 1 || Number(month) > 12 || Number(day) > 31 ? null : made - DAY;
};
