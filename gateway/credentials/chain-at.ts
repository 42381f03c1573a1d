import type { X509Certificate } from "node:crypto";
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from "node:tls";
import type { EpochMs } from "../../protocol/time.ts";
import { extensionsOf } from "./certificate-fields.ts";
import { derObjectId, sameBytes } from "./der.ts";

/**
 * Why a chain is not good at a time. The words are Node's own codes, so that a caller explains them like the others;
 * null: it is good.
 */
export type ChainFault =
  | "CERT_HAS_EXPIRED"
  | "CERT_NOT_YET_VALID"
  | "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
  | "ERR_TLS_CERT_ALTNAME_INVALID"
  | "INVALID_PURPOSE"
  | "INVALID_CA"
  | "UNHANDLED_CRITICAL_EXTENSION"
  | "EE_KEY_TOO_SMALL";

/** 1.3.6.1.5.5.7.3.1, TLS server (RFC 5280 4.2.1.12). */
const SERVER_AUTHENTICATION = "1.3.6.1.5.5.7.3.1";
const SMALLEST_RSA = 2048;
const WEAK_DIGEST = /md5|sha-?1(?!\d)/i;

/** Critical extensions that are dealt with here: key usage, alternative names, basic constraints, extended key usage. */
const KNOWN_CRITICAL = [0x0f, 0x11, 0x13, 0x25].map((last) => derObjectId(0x55, 0x1d, last));

const faultInTime = (certificate: X509Certificate, at: EpochMs): ChainFault | null => {
  if (at < certificate.validFromDate.getTime()) return "CERT_NOT_YET_VALID";
  return at > certificate.validToDate.getTime() ? "CERT_HAS_EXPIRED" : null;
};

const isWeak = ({ publicKey, signatureAlgorithm }: X509Certificate): boolean => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  const known =
    type === "ec" || type === "ed25519" || (type === "rsa" && (details?.modulusLength ?? 0) >= SMALLEST_RSA);
  return !known || WEAK_DIGEST.test(signatureAlgorithm ?? "");
};

const hasUnknownCritical = (certificate: X509Certificate): boolean =>
  extensionsOf(certificate).some(
    ({ critical, id }) => critical && !KNOWN_CRITICAL.some((known) => sameBytes(known, id)),
  );

/** Issuer by name, key identifier and key usage (X509_check_issued), and by its signature. */
const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

/** `keyUsage` of Node is the extended key usage; absent, any purpose is meant. */
const servesServers = ({ keyUsage }: X509Certificate): boolean =>
  keyUsage === undefined || keyUsage.includes(SERVER_AUTHENTICATION);

const faultOfLeaf = (leaf: X509Certificate, at: EpochMs): ChainFault | null => {
  if (isWeak(leaf)) return "EE_KEY_TOO_SMALL";
  if (hasUnknownCritical(leaf)) return "UNHANDLED_CRITICAL_EXTENSION";
  if (!servesServers(leaf)) return "INVALID_PURPOSE";
  return faultInTime(leaf, at);
};

const faultOfIssuer = (issuer: X509Certificate, at: EpochMs): ChainFault | null => {
  if (!issuer.ca) return "INVALID_CA";
  if (!servesServers(issuer)) return "INVALID_PURPOSE";
  if (isWeak(issuer)) return "EE_KEY_TOO_SMALL";
  if (hasUnknownCritical(issuer)) return "UNHANDLED_CRITICAL_EXTENSION";
  return faultInTime(issuer, at);
};

export interface PresentedChain {
  readonly leaf: X509Certificate;
  /** What the server sent along. */
  readonly others: readonly X509Certificate[];
}

/**
 * Check a server's certificate at a given time: issued by an anchor, directly or through one authority in between, all of
 * them valid then, none with a constraint that is not understood. Stricter than OpenSSL, which alone is asked wherever
 * the machine's clock is right: longer chains and name constraints are refused.
 */
export const chainFaultAt = (
  { leaf, others }: PresentedChain,
  anchors: readonly X509Certificate[],
  at: EpochMs,
): ChainFault | null => {
  const ofLeaf = faultOfLeaf(leaf, at);
  const paths = [
    ...anchors.filter((anchor) => isIssuedBy(leaf, anchor)).map((anchor) => [anchor]),
    ...others
      .filter((between) => isIssuedBy(leaf, between))
      .flatMap((between) => anchors.filter((anchor) => isIssuedBy(between, anchor)).map((anchor) => [between, anchor])),
  ];
  if (paths.length === 0) return "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
  if (ofLeaf !== null) return ofLeaf;
  const faults = paths.map((path) => path.map((issuer) => faultOfIssuer(issuer, at)).find((fault) => fault !== null));
  return faults.includes(undefined) ? null : (faults[0] ?? null);
};

/** Certificates that a server sends beside its own: more are not looked at. */
const MOST_PRESENTED = 8;

const presentedBy = (socket: TLSSocket): PresentedChain | null => {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return null;
  const others: X509Certificate[] = [];
  for (let next = leaf.issuerCertificate; next !== undefined && others.length < MOST_PRESENTED; ) {
    others.push(next);
    next = next.issuerCertificate;
  }
  return { leaf, others };
};

/** The server of an open TLS connection, checked at `at`: chain and name. */
export const serverFaultAt = (
  socket: TLSSocket,
  anchors: readonly X509Certificate[],
  name: string,
  at: EpochMs,
): ChainFault | null => {
  const presented = presentedBy(socket);
  if (presented === null) return "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
  const fault = chainFaultAt(presented, anchors, at);
  if (fault !== null) return fault;
  const legacy: PeerCertificate = presented.leaf.toLegacyObject();
  return checkServerIdentity(name, legacy) === undefined ? null : "ERR_TLS_CERT_ALTNAME_INVALID";
};
