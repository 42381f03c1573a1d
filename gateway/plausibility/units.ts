/** What one unit is in another, `factor x value + offset`; by source and target (UCUM). */
const CONVERSIONS: ReadonlyMap<string, readonly [factor: number, offset: number]> = new Map([
  // 133.322387415 Pa, NIST SP 811 appendix B.8.
  ["kPa mm[Hg]", [1 / 0.133322387415, 0]],
  // 0.45359237 kg, exact; 2.54 cm, exact (NIST SP 811 appendix B.8).
  ["[lb_av] kg", [0.45359237, 0]],
  ["[in_i] cm", [2.54, 0]],
  ["m cm", [100, 0]],
  ["[degF] Cel", [5 / 9, -160 / 9]],
  // Molar mass of glucose: 180.156 g/mol.
  ["mmol/L mg/dL", [18.0156, 0]],
]);

/** The value in another unit, to be compared and never to be kept; null where nobody said how. */
export const inUnit = (value: number, from: string, to: string): number | null => {
  if (from === to) return value;
  const conversion = CONVERSIONS.get(`${from} ${to}`);
  return conversion === undefined ? null : value * conversion[0] + conversion[1];
};
