import { X509Certificate } from "node:crypto";
import { messageOf } from "../../protocol/errors.ts";
import type { HubId } from "../../protocol/ids.ts";
import { certificatePem } from "./pem.ts";

/** `typ` of a signed bundle of anchors. */
export const ANCHORS_TYPE = "hemhub-anchors+jws";

/** What a region says about whom a hub is to trust: content of a JWS of type `hemhub-anchors+jws`. */
export interface AnchorBundle {
  /** +1 or more with each bundle for this hub: an older one is not taken again. */
  readonly counter: number;
  /** Authorities to trust from now on, beside those that are trusted already; PEM. */
  readonly anchors: readonly string[];
  /** Fingerprints (SHA-256, lower-case hex) of authorities not to be trusted any more. */
  readonly retired: readonly string[];
}

export type BundleResult =
  | { readonly tag: "ok"; readonly bundle: AnchorBundle }
  | { readonly tag: "refused"; readonly reason: "malformed" | "other-hub"; readonly found: string };

/** Two of each of three authorities of a region, with room. */
const MOST_IN_BUNDLE = 8;
const FINGERPRINT = /^[0-9a-f]{64}$/;

export const fingerprintOf = (certificate: X509Certificate): string =>
  certificate.fingerprint256.replaceAll(":", "").toLowerCase();

const malformed = (found: string): BundleResult => ({ tag: "refused", reason: "malformed", found });

const isList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= MOST_IN_BUNDLE && value.every((one) => typeof one === "string");

/** Check what a verified statement says. Pure. */
export const parseBundle = (content: unknown, hub: HubId): BundleResult => {
  const { schema, hub: named, counter, anchors, retired = [] } = (content ?? {}) as Record<string, unknown>;
  if (schema !== "anchors/1") return malformed("not anchors/1");
  if (named !== hub) return { tag: "refused", reason: "other-hub", found: "for another hub" };
  if (!Number.isSafeInteger(counter) || (counter as number) < 1) return malformed("`counter` is not 1 or more");
  if (!isList(anchors) || !isList(retired)) return malformed(`lists of up to ${MOST_IN_BUNDLE} texts are needed`);
  if (!retired.every((one) => FINGERPRINT.test(one))) return malformed("`retired` needs SHA-256 fingerprints");
  const pems: string[] = [];
  for (const anchor of anchors) {
    try {
      const certificate = new X509Certificate(anchor);
      if (!certificate.ca) return malformed("an anchor is not an authority");
      if (retired.includes(fingerprintOf(certificate))) return malformed("an anchor is both given and retired");
      pems.push(certificatePem(certificate));
    } catch (thrown) {
      return malformed(`an anchor is not a certificate (${messageOf(thrown)})`);
    }
  }
  return { tag: "ok", bundle: { counter: counter as number, anchors: pems, retired } };
};
