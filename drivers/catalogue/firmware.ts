/** Firmware revisions, both ends included; null leaves an end open. */
export interface FirmwareRange {
  readonly from: string | null;
  readonly to: string | null;
}

/** Runs of digits, and of anything else: `BLP010_d007` is `BLP`, `010`, `_d`, `007`. */
const partsOf = (revision: string): readonly string[] => revision.trim().match(/\d+|\D+/g) ?? [];

const isNumber = (part: string): boolean => /^\d+$/.test(part);

const isNothing = (part: string): boolean => /^0*$/.test(part);

/**
 * Below 0, 0 or above 0 as the first revision is older, the same or newer; null where they are not of one scheme. Digits
 * count as numbers (`1.10` is newer than `1.9`, `v2.0` the same as `v2.0.0`), and everything between must be the same,
 * in either case: nobody can tell whether `2.0b` came before `2.0-rc`.
 */
export const compareFirmware = (left: string, right: string): number | null => {
  const [ours, theirs] = [partsOf(left), partsOf(right)];
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [one, other] = [ours[i], theirs[i]];
    if (one === undefined || other === undefined) {
      const rest = (one === undefined ? theirs : ours).slice(i);
      const numbers = rest.filter(isNumber);
      if (rest.some((part) => !isNumber(part) && part !== ".")) return null;
      if (numbers.every(isNothing)) return 0;
      return one === undefined ? -1 : 1;
    }
    if (isNumber(one) && isNumber(other)) {
      const difference = BigInt(one) - BigInt(other);
      if (difference !== 0n) return difference < 0n ? -1 : 1;
    } else if (one.toLowerCase() !== other.toLowerCase()) return null;
  }
  return 0;
};

/** `unknown`: written in another way than the range, so that nobody can tell. */
export const firmwareWithin = (revision: string, { from, to }: FirmwareRange): "inside" | "outside" | "unknown" => {
  const [above, below] = [
    from === null ? 0 : compareFirmware(revision, from),
    to === null ? 0 : compareFirmware(to, revision),
  ];
  if ((above !== null && above < 0) || (below !== null && below < 0)) return "outside";
  return above === null || below === null ? "unknown" : "inside";
};

/** `1.0 to 1.4`, `1.2 or newer`. */
export const firmwareRangeText = ({ from, to }: FirmwareRange): string => {
  if (from !== null && to !== null) return from === to ? from : `${from} to ${to}`;
  if (from !== null) return `${from} or newer`;
  return to === null ? "every one" : `${to} or older`;
};
