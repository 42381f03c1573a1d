import { hash } from "node:crypto";

const BUCKETS = 10_000;

/**
 * A hub's place in the order in which a campaign widens, 0 to 9999: the first four bytes of sha256(`hubId|campaign`),
 * big-endian, modulo 10 000. Another campaign, another order, so that no home is always the first.
 */
export const bucketOf = (hubId: string, campaign: string): number =>
  hash("sha256", `${hubId}|${campaign}`, "buffer").readUInt32BE(0) % BUCKETS;
