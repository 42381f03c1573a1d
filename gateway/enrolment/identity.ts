import type { SensorIdentity } from "./identity-book.ts";

/**
 * What a serial number says about the sensor that told it. `same`: the enrolled one, or one that tells no number, which
 * its address and its bond speak for. `first`: nothing was known yet. `other`: another sensor in its place.
 */
export type IdentityVerdict = "same" | "first" | "other";

/** A text as sensors send it: padded with blanks or zeros, or empty where it means none. */
export const toldNumber = (text: string | null): string | null => {
  const told = (text ?? "").replaceAll("\0", "").trim();
  return told === "" ? null : told;
};

/** `configured`: the serial number of the configuration, which stands above what was learned. Pure. */
export const verdictOn = (
  told: string | null,
  configured: string | null,
  { serialNumber, found }: SensorIdentity,
): IdentityVerdict => {
  const expected = configured ?? serialNumber;
  if (told === null) return found === null ? "same" : "other";
  if (expected === null) return "first";
  return told === expected ? "same" : "other";
};
