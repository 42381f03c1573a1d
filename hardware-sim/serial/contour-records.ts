import { GLUCOSE_QUANTITY, type GlucoseQuantity, type GlucoseTest, glucoseTruth } from "./glucose-result.ts";
import { localParts, padded } from "./local-parts.ts";
import type { TrueValue } from "./measurement.ts";

/** A test in an Ascensia Contour. */
export interface ContourTest extends GlucoseTest {
  /** Tenths of mmol/L, which a meter set to that unit tells instead of mg/dL. */
  readonly mmolTenths?: number;
  /** Beyond what it can measure: the value is then the limit. */
  readonly range?: "above" | "below";
}

export type ContourUnit = "mg/dL" | "mmol/L";

/** YYYYMMDDHHmm. */
export const contourTime = (ms: number): string => {
  const { year, month, day, hour, minute } = localParts(ms);
  return `${padded(year, 4)}${padded(month)}${padded(day)}${padded(hour)}${padded(minute)}`;
};

export interface ContourHeader {
  /** `Bayer7390^01.24\01.04\09.02.20^7390-2336773^7403-`: product, three versions, serial number, SKU. */
  readonly product: string;
  readonly unit: ContourUnit;
  readonly count: number;
  readonly shownMs: number;
}

/**
 * Header record (ASTM E1394 6) of a Contour, as its meters send it: delimiters, a password, product, settings (U the
 * unit, V the limits in mg/dL, X and Y thresholds), the number of results, processing id, version, the meter's clock.
 */
export const contourHeader = ({ product, unit, count, shownMs }: ContourHeader): string => {
  const settings = [
    "A=1",
    "C=63",
    "G=1",
    "I=0200",
    "R=0",
    "S=1",
    `U=${unit === "mg/dL" ? 0 : 1}`,
    "V=10600",
    "X=070070070070180130150250",
    "Y=360126090050099050300089",
    "Z=1",
  ];
  return `H|\\^&||7w3LBL|${product}|${settings.join("^")}|${count}||||||1|${contourTime(shownMs)}`;
};

const valueText = (test: ContourTest, unit: ContourUnit): string =>
  unit === "mg/dL" ? String(test.mgPerDl) : ((test.mmolTenths ?? 0) / 10).toFixed(1);

/** Marks, separated by `/`: before or after a meal, control solution, out of range. */
const marksOf = ({ meal, control, range }: ContourTest): string =>
  [
    ...(meal === undefined ? [] : [meal === "before" ? "B" : "A"]),
    ...(control === true ? ["C"] : []),
    ...(range === undefined ? [] : [range === "above" ? ">" : "<"]),
  ].join("/");

/**
 * Result record: `R|8|^^^Glucose|133|mg/dL^P||B/X||201202052034`. P: the value is that of plasma. glucometerutils
 * (support/contourusb.py) and Tidepool (bayer/bayerContourNext.js) agree on this form; the older Contour 7150 sends
 * another one (bayer/bayerContour.js), which we do not play.
 */
export const contourResult = (number: number, test: ContourTest, unit: ContourUnit, shownMs: number): string =>
  `R|${number}|^^^Glucose|${valueText(test, unit)}|${unit}^P||${marksOf(test)}||${contourTime(shownMs)}`;

export const CONTOUR_PATIENT = "P|1";
/** Terminator: N, normal end. */
export const CONTOUR_END = "L|1||N";

/** What it knows that it measured; the limit of its range is no measurement, and control solution is nobody's blood. */
export const contourTruth = (test: ContourTest, unit: ContourUnit, naming: GlucoseQuantity): readonly TrueValue[] => {
  if (test.control === true || test.range !== undefined) return [];
  if (unit === "mg/dL") return glucoseTruth(test, naming);
  const quantity = naming.quantity ?? GLUCOSE_QUANTITY;
  return [{ quantity, value: (test.mmolTenths ?? 0) / 10, decimals: 1, unit }];
};
