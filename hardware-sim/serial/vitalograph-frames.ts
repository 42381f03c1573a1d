import { ascii, localParts, padded } from "./local-parts.ts";

/**
 * Test data of a Vitalograph lung monitor, from the field list of OpenTele's FevMeasurementPacket (layout F) and that of
 * the published decoder script (layout G), which two recorded frames confirm to the check octet.
 */
export type LungLayout = "F" | "G";

/** One blow, as the monitor's display shows it. Zero: the monitor has no value. */
export interface LungBlow {
  /** L/min; only layout G has a place for it. */
  readonly pef: number;
  /** Hundredths of a litre after 0.75 s, 1 s and 6 s. */
  readonly fev075: number;
  readonly fev1: number;
  readonly fev6: number;
  /** Hundredths of a litre a second. */
  readonly fef2575: number;
  /** Default true. */
  readonly good?: boolean;
}

const STX = 0x02;
const ETX = 0x03;

/** STX, text, ETX and the exclusive or of all of that. */
export const vitalographFrame = (text: string): Uint8Array => {
  const body = [STX, ...ascii(text), ETX];
  let check = 0;
  for (const octet of body) check ^= octet;
  return Uint8Array.of(...body, check);
};

/** Hundredths, as the display rounds it; nothing without both volumes. */
export const lungRatio = ({ fev1, fev6 }: LungBlow): number => (fev6 === 0 ? 0 : Math.round((100 * fev1) / fev6));

/** No personal best is set: zeros; the zones are the maker's. */
const NO_BEST = "000";
const ZONES = "095090000";

export const vitalographTestFrame = (
  layout: LungLayout,
  serial: string,
  blow: LungBlow,
  shownMs: number,
): Uint8Array => {
  const { year, month, day, hour, minute, second } = localParts(shownMs);
  const three = (value: number): string => padded(value, 3);
  const long = layout === "G";
  return vitalographFrame(
    [
      `${layout}TD`,
      padded(Number(serial), 10),
      long ? three(blow.pef) + three(blow.fev075) : "",
      three(blow.fev1),
      three(blow.fev6),
      three(lungRatio(blow)),
      three(blow.fef2575),
      NO_BEST.repeat(long ? 4 : 2),
      ZONES,
      [year % 100, month, day, hour, minute, second].map((part) => padded(part)).join(""),
      blow.good === false ? "1" : "0",
      long ? "961" : "923",
    ].join(""),
  );
};
