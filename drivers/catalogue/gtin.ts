/** Lengths of GTIN-8, GTIN-12, GTIN-13 and GTIN-14 (GS1 General Specifications, section 7.9.1). */
const LENGTHS: ReadonlySet<number> = new Set([8, 12, 13, 14]);

/** Digits with a right check digit: weights 3 and 1 from the right, the sum a multiple of ten (GS1, section 7.9.1). */
export const isGtin = (digits: string): boolean => {
  if (!LENGTHS.has(digits.length) || !/^\d+$/.test(digits)) return false;
  const sum = [...digits]
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0);
  return sum % 10 === 0;
};
