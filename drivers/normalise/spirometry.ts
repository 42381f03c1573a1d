import { type Code, codeOf } from "../../protocol/codes.ts";
import type { Quality, ReadingValue } from "../../protocol/reading.ts";
import type { MedicalFloat } from "../decode/float.ts";
import type { VitalographTest } from "../decode/vitalograph.ts";
import { absentValue, measured } from "./number.ts";
import type { Measurement } from "./reading.ts";

const PEF = codeOf("pef");
const FEV1 = codeOf("fev1");
const FVC = codeOf("fvc");
const FEV1_FVC = codeOf("fev1-fvc-ratio");
const FEV1_FEV6 = codeOf("fev1-fev6-ratio");

/**
 * The values of one forced expiration that have a checked code, in the units of the code table: PEF in L/min, volumes in
 * L, ratios in %. Null: the spirometer has none of this blow. Left out: it does not measure it. FEV6 is not among them,
 * nor are FEV0.75 and FEF25-75: their codes are withheld or not in the table (protocol/codes.json), and they stay in
 * the raw bytes.
 */
export interface ForcedExpiration {
  readonly pef?: MedicalFloat | null;
  readonly fev1?: MedicalFloat | null;
  readonly fvc?: MedicalFloat | null;
  readonly fev1Fvc?: MedicalFloat | null;
  readonly fev1Fev6?: MedicalFloat | null;
}

const ORDER: readonly (readonly [keyof ForcedExpiration, Code])[] = [
  ["pef", PEF],
  ["fev1", FEV1],
  ["fvc", FVC],
  ["fev1Fvc", FEV1_FVC],
  ["fev1Fev6", FEV1_FEV6],
];

const valuesOf = (blow: ForcedExpiration): readonly ReadingValue[] =>
  ORDER.flatMap(([key, code]) => {
    const value = blow[key];
    if (value === undefined || code.ucum === null) return [];
    return [value === null ? absentValue(code, "unknown") : measured(code, value, code.ucum)];
  });

/** What a spirometer says about one blow besides its values. */
export type BlowRemarks = Pick<Measurement, "flags" | "quality" | "time"> & Partial<Pick<Measurement, "device">>;

/**
 * One blow. Every blow is a reading of its own: which of a session's three is the best is decided where all are seen,
 * and a hub that left two out could not be checked. A blow without any value was not performed.
 */
export const spirometry = (blow: ForcedExpiration, remarks: BlowRemarks): Measurement => {
  const values = valuesOf(blow);
  return {
    kind: "spirometry",
    status: values.some(({ value }) => value !== null) ? "final" : "not-performed",
    values,
    supplemental: [],
    context: { manoeuvre: "single" },
    ...remarks,
  };
};

const numberOf = (float: MedicalFloat | null): number | null => (float?.tag === "number" ? float.value : null);

/** Top of the flow range, L/min (FDA 510(k) K073155: 0 to 840). Volumes are 0 to 9.99 L, all that three digits hold. */
const HIGHEST_PEF = 840;
const HIGHEST_VOLUME = 9.99;
/** The monitor's ratio has two digits after the point and is rounded. */
const RATIO_STEP = 1;

const isBeyondRange = ({ pef, fev1, fev6 }: VitalographTest): boolean =>
  (numberOf(pef) ?? 0) > HIGHEST_PEF || [fev1, fev6].some((volume) => (numberOf(volume) ?? 0) >= HIGHEST_VOLUME);

/**
 * More air cannot leave in less time, and the ratio has to be that of the volumes. The check octet lets pairs of flips
 * pass; this finds most of them, and a firmware that moved its fields.
 */
const contradictsItself = ({ fev075, fev1, fev6, fev1Fev6 }: VitalographTest): boolean => {
  const [early, one, six, ratio] = [fev075, fev1, fev6, fev1Fev6].map((float) => numberOf(float));
  const inOrder = (less: number | null | undefined, more: number | null | undefined): boolean =>
    less == null || more == null || less <= more;
  if (!inOrder(early, one) || !inOrder(one, six)) return true;
  if (one == null || six == null || ratio == null) return false;
  return Math.abs((100 * one) / six - ratio) > RATIO_STEP;
};

/**
 * A blow into a Vitalograph lung monitor. One that the monitor did not accept is questionable, and so are values at the
 * end of its range or that cannot be true together; none is left out.
 */
export const vitalographTest = (test: VitalographTest): Measurement => {
  const flags: string[] = [];
  if (!test.isGood) flags.push("poor-effort");
  if (isBeyondRange(test)) flags.push("out-of-range");
  if (contradictsItself(test)) flags.push("inconsistent");
  const quality: Quality[] = flags.length > 0 ? ["questionable"] : [];
  const { fev1, fev1Fev6, pef } = test;
  // Layout F has no place for a PEF: that is not a blow without one.
  const blow = test.layout === "F" ? { fev1, fev1Fev6 } : { pef, fev1, fev1Fev6 };
  return spirometry(blow, { flags, quality, time: test.time, device: { serial: test.serial } });
};
