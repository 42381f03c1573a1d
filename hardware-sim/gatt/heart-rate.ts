import { le16, octets } from "../radio/little-endian.ts";

export interface HeartRateValues {
  /** Beats a minute; 16 bits where it is over 255 or `wide` says so. */
  readonly rate: number;
  readonly wide?: boolean;
  /** Left out: the sensor cannot tell. */
  readonly contact?: boolean;
  /** Kilojoules since the last reset. */
  readonly energyKj?: number;
  /** Intervals between beats in 1/1024 s, oldest first. */
  readonly rr1024?: readonly number[];
}

/** Contact: bit 2 that it is known, bit 1 that it is there (Heart Rate Service 1.0, 3.1). */
const FLAG = { WIDE: 0x01, CONTACT: 0x02, CONTACT_KNOWN: 0x04, ENERGY: 0x08, RR: 0x10 } as const;
const MOST_IN_ONE_OCTET = 255;

const contactBits = (contact: boolean | undefined): number => {
  if (contact === undefined) return 0;
  return FLAG.CONTACT_KNOWN | (contact ? FLAG.CONTACT : 0);
};

/** Heart Rate Measurement, characteristic 2A37. */
export const heartRateMeasurement = ({ rate, wide, contact, energyKj, rr1024 }: HeartRateValues): Uint8Array => {
  const isWide = wide === true || rate > MOST_IN_ONE_OCTET;
  return octets(
    (isWide ? FLAG.WIDE : 0) |
      contactBits(contact) |
      (energyKj === undefined ? 0 : FLAG.ENERGY) |
      (rr1024 === undefined ? 0 : FLAG.RR),
    isWide ? le16(rate) : [rate],
    energyKj === undefined ? [] : le16(energyKj),
    (rr1024 ?? []).flatMap(le16),
  );
};

/** Body Sensor Location 2A38: 0 to 6 in this order. */
const LOCATIONS = ["other", "chest", "wrist", "finger", "hand", "ear-lobe", "foot"] as const;

export type HeartRateLocation = (typeof LOCATIONS)[number];

export const locationOctet = (location: HeartRateLocation): number => LOCATIONS.indexOf(location);
