import { HubError, type HubErrorCode, isHubError, messageOf } from "../../protocol/errors.ts";

/** Why a link could not be opened or broke, for programs: `context.trouble` of the HubError. */
export type LinkTrouble =
  | "region-certificate-expired"
  | "region-certificate-not-yet-valid"
  | "region-certificate-name"
  | "region-certificate-unknown"
  | "region-certificate-self-signed"
  | "region-certificate-altered"
  | "region-certificate-purpose"
  | "region-certificate-weak"
  | "region-certificate-revoked"
  | "hub-certificate-expired"
  | "hub-certificate-revoked"
  | "hub-certificate-missing"
  | "hub-certificate-refused"
  | "hub-certificate-unusable"
  | "network-login"
  | "tls-version"
  | "tls-failed"
  | "name-unknown"
  | "name-service"
  | "nobody-listens"
  | "no-route"
  | "no-answer"
  | "closed";

interface Explanation {
  readonly code: HubErrorCode;
  readonly trouble: LinkTrouble;
  /** What was found, and after the semicolon the next step. */
  readonly sentence: string;
}

const tls = (trouble: LinkTrouble, sentence: string): Explanation => ({ code: "link-tls", trouble, sentence });
const unreachable = (trouble: LinkTrouble, sentence: string): Explanation => ({
  code: "link-unreachable",
  trouble,
  sentence,
});

const UNKNOWN_AUTHORITY = tls(
  "region-certificate-unknown",
  "its certificate comes from an authority that this hub does not trust; check the CA file, " +
    "or whether the network asks for a login or opens TLS on the way",
);
const SELF_SIGNED = tls(
  "region-certificate-self-signed",
  "its certificate is signed by nobody but itself; it is not the region's broker, or the region must give it a " +
    "certificate of its authority",
);
const ALTERED = tls(
  "region-certificate-altered",
  "its certificate has a signature that does not fit; something on the way alters it: call the region",
);
const PURPOSE = tls(
  "region-certificate-purpose",
  "its certificate is not one for a server; the region must give its broker a server certificate",
);
const WEAK = tls(
  "region-certificate-weak",
  "its certificate has a key or a signature that is too weak today; the region must renew it",
);
const NETWORK_LOGIN = tls(
  "network-login",
  "the network asks for a login, or something other than the region's broker answers there; " +
    "sign in to the network once, or use another one",
);
const TLS_VERSION = tls(
  "tls-version",
  "it speaks no TLS 1.2 or newer; the region must enable TLS 1.2 or 1.3 on its broker",
);
const HUB_CERTIFICATE_REFUSED = tls(
  "hub-certificate-refused",
  "it refuses this hub's certificate; the region must admit this hub, or it needs a new certificate",
);
const HUB_CERTIFICATE_UNUSABLE = tls(
  "hub-certificate-unusable",
  "this hub's certificate and key cannot be used together; give the pair that was made together, in PEM",
);
const NO_ROUTE = unreachable("no-route", "there is no way to it from this network; check cable, Wi-Fi or SIM");
const CLOSED = unreachable(
  "closed",
  "it closed the connection without an answer; it may refuse this hub's certificate, or be restarting: " +
    "the hub tries again, and the region's log says more",
);

/** Codes that Node gives to errors of network, name service and certificate check (Node tls documentation, X509). */
const BY_CODE: Readonly<Record<string, Explanation>> = {
  CERT_HAS_EXPIRED: tls(
    "region-certificate-expired",
    "the region's certificate has expired; the region must renew it (if it has not expired, this hub's clock is ahead)",
  ),
  CERT_NOT_YET_VALID: tls(
    "region-certificate-not-yet-valid",
    "the region's certificate is not valid yet; this hub's clock is probably behind: check the time source",
  ),
  ERR_TLS_CERT_ALTNAME_INVALID: tls(
    "region-certificate-name",
    "its certificate is for another name; check the broker's address and the server name in the configuration",
  ),
  CERT_REVOKED: tls(
    "region-certificate-revoked",
    "the region's certificate has been revoked; call the region before anything else",
  ),
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: ALTERED,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  CERT_REJECTED: UNKNOWN_AUTHORITY,
  CERT_CHAIN_TOO_LONG: UNKNOWN_AUTHORITY,
  PATH_LENGTH_EXCEEDED: UNKNOWN_AUTHORITY,
  INVALID_CA: UNKNOWN_AUTHORITY,
  UNHANDLED_CRITICAL_EXTENSION: UNKNOWN_AUTHORITY,
  INVALID_PURPOSE: PURPOSE,
  EE_KEY_TOO_SMALL: WEAK,
  CA_KEY_TOO_SMALL: WEAK,
  CA_MD_TOO_WEAK: WEAK,
  ERR_SSL_WRONG_VERSION_NUMBER: NETWORK_LOGIN,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NETWORK_LOGIN,
  ERR_SSL_HTTP_REQUEST: NETWORK_LOGIN,
  ERR_SSL_UNSUPPORTED_PROTOCOL: TLS_VERSION,
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: HUB_CERTIFICATE_UNUSABLE,
  ERR_OSSL_PEM_NO_START_LINE: HUB_CERTIFICATE_UNUSABLE,
  ERR_OSSL_UNSUPPORTED: HUB_CERTIFICATE_UNUSABLE,
  ENOTFOUND: unreachable(
    "name-unknown",
    "its name is not known to the name service; check the address, or the network",
  ),
  EAI_AGAIN: unreachable("name-service", "the name service does not answer; check the network: the hub tries again"),
  EAI_FAIL: unreachable("name-service", "the name service failed; check the network: the hub tries again"),
  ECONNREFUSED: unreachable(
    "nobody-listens",
    "nobody listens at that address and port; check both, and that the broker runs",
  ),
  ETIMEDOUT: unreachable("no-answer", "no answer; check the network, and that a firewall lets the hub out"),
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ENETDOWN: NO_ROUTE,
  EHOSTDOWN: NO_ROUTE,
  EADDRNOTAVAIL: NO_ROUTE,
  ECONNRESET: CLOSED,
  ECONNABORTED: CLOSED,
  EPIPE: CLOSED,
};

/**
 * TLS alerts that the broker sent (RFC 8446 section 6.2), by how OpenSSL ends its name for them. With TLS 1.3 an alert
 * about the hub's certificate arrives after the handshake has succeeded on this side.
 */
const BY_ALERT: Readonly<Record<string, Explanation>> = {
  CERTIFICATE_EXPIRED: tls(
    "hub-certificate-expired",
    "this hub's certificate has expired; it must be renewed (readings are kept meanwhile)",
  ),
  CERTIFICATE_REVOKED: tls(
    "hub-certificate-revoked",
    "this hub's certificate has been revoked; the region must give it a new identity",
  ),
  CERTIFICATE_REQUIRED: tls(
    "hub-certificate-missing",
    "it demands a hub certificate and got none; check certificate and key in the configuration",
  ),
  BAD_CERTIFICATE: HUB_CERTIFICATE_REFUSED,
  CERTIFICATE_UNKNOWN: HUB_CERTIFICATE_REFUSED,
  UNSUPPORTED_CERTIFICATE: HUB_CERTIFICATE_REFUSED,
  UNKNOWN_CA: HUB_CERTIFICATE_REFUSED,
  ACCESS_DENIED: HUB_CERTIFICATE_REFUSED,
  // TLS 1.2 brokers answer a missing certificate so; a lack of common ciphers looks the same.
  HANDSHAKE_FAILURE: HUB_CERTIFICATE_REFUSED,
  PROTOCOL_VERSION: TLS_VERSION,
};

const OTHER = unreachable("no-answer", "the connection failed; the hub tries again");
const OTHER_TLS = tls("tls-failed", "the secure connection failed; check the broker's TLS set-up");

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";

/** With several addresses Node reports all failures together: a refusal says more than a missing route. */
const tellingOne = (error: unknown): unknown => {
  if (!(error instanceof AggregateError)) return error;
  const inner: readonly unknown[] = error.errors;
  return inner.find((one) => codeOf(one) === "ECONNREFUSED") ?? inner[0] ?? error;
};

const explanationOf = (code: string): Explanation => {
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  const alert = /ALERT_([A-Z_]+)$/.exec(code)?.[1] ?? "";
  return BY_ALERT[alert] ?? (/^ERR_(SSL|TLS|OSSL)/.test(code) ? OTHER_TLS : OTHER);
};

/** What is being reached, at the beginning of each sentence. */
export const REGION_LINK = "link to the region";

/**
 * Make a sentence of what Node, OpenSSL or the network said: `link to the region: <found>; <next step> (<code>)`. The
 * result is a HubError `link-tls` or `link-unreachable`, with `trouble` in its context; a HubError passes through.
 */
export const explainLinkError = (error: unknown, subject = REGION_LINK): HubError => {
  if (isHubError(error)) return error;
  const one = tellingOne(error);
  const code = codeOf(one);
  const { code: hubCode, trouble, sentence } = explanationOf(code);
  const detail = code === "" ? messageOf(one) : code;
  return new HubError(hubCode, `${subject}: ${sentence} (${detail})`, { cause: error, context: { trouble } });
};

/** The connection was closed where an answer was due. */
export const closedUnanswered = (subject = REGION_LINK): HubError =>
  explainLinkError(Object.assign(new Error("closed by the other side"), { code: "ECONNRESET" }), subject);

/** What looked like another fault is a network that asks for a login: its page was seen where something else was due. */
export const networkLogin = (cause: HubError): HubError =>
  new HubError(NETWORK_LOGIN.code, `${REGION_LINK}: ${NETWORK_LOGIN.sentence} (a login page)`, {
    cause,
    context: { trouble: NETWORK_LOGIN.trouble },
  });
