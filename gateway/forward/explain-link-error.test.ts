import { describe, expect, it } from "vitest";
import { HubError } from "../../protocol/errors.ts";
import { explainLinkError, type LinkTrouble } from "./explain-link-error.ts";

const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code });

const TABLE: readonly (readonly [code: string, hubCode: string, trouble: LinkTrouble, nextStep: string])[] = [
  ["CERT_HAS_EXPIRED", "link-tls", "region-certificate-expired", "the region must renew it"],
  ["CERT_NOT_YET_VALID", "link-tls", "region-certificate-not-yet-valid", "check the time source"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "link-tls", "region-certificate-name", "check the broker's address"],
  ["CERT_REVOKED", "link-tls", "region-certificate-revoked", "call the region"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "link-tls", "region-certificate-self-signed", "not the region's broker"],
  ["CERT_SIGNATURE_FAILURE", "link-tls", "region-certificate-altered", "call the region"],
  ["INVALID_PURPOSE", "link-tls", "region-certificate-purpose", "a server certificate"],
  ["EE_KEY_TOO_SMALL", "link-tls", "region-certificate-weak", "must renew it"],
  ["INVALID_CA", "link-tls", "region-certificate-unknown", "check the CA file"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "link-tls", "region-certificate-unknown", "asks for a login"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "link-tls", "region-certificate-unknown", "check the CA file"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "link-tls", "region-certificate-unknown", "check the CA file"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "link-tls", "network-login", "sign in to the network"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "link-tls", "network-login", "sign in to the network"],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "link-tls", "tls-version", "must enable TLS 1.2 or 1.3"],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "link-tls", "tls-version", "must enable TLS 1.2 or 1.3"],
  // OpenSSL 3.0 and 3.5 spell the same alert differently, and Node makes its code of the text.
  ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "link-tls", "hub-certificate-expired", "must be renewed"],
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED", "link-tls", "hub-certificate-expired", "must be renewed"],
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED", "link-tls", "hub-certificate-revoked", "new identity"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "link-tls", "hub-certificate-missing", "certificate and key"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "link-tls", "hub-certificate-refused", "must admit this hub"],
  ["ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE", "link-tls", "hub-certificate-refused", "must admit this hub"],
  ["ERR_SSL_TLSV1_ALERT_ACCESS_DENIED", "link-tls", "hub-certificate-refused", "must admit this hub"],
  ["ERR_OSSL_X509_KEY_VALUES_MISMATCH", "link-tls", "hub-certificate-unusable", "made together"],
  ["ERR_SSL_SOMETHING_NEW", "link-tls", "tls-failed", "TLS set-up"],
  ["ENOTFOUND", "link-unreachable", "name-unknown", "check the address"],
  ["EAI_AGAIN", "link-unreachable", "name-service", "tries again"],
  ["ECONNREFUSED", "link-unreachable", "nobody-listens", "check both"],
  ["ETIMEDOUT", "link-unreachable", "no-answer", "firewall"],
  ["EHOSTUNREACH", "link-unreachable", "no-route", "cable, Wi-Fi or SIM"],
  ["ENETUNREACH", "link-unreachable", "no-route", "cable, Wi-Fi or SIM"],
  ["ECONNRESET", "link-unreachable", "closed", "tries again"],
  ["EPIPE", "link-unreachable", "closed", "tries again"],
  ["ESOMETHING", "link-unreachable", "no-answer", "tries again"],
];

describe("explaining an error of the link", () => {
  it.each(TABLE)("%s is %s %s: %s", (code, hubCode, trouble, nextStep) => {
    const cause = coded(code);
    const error = explainLinkError(cause);
    expect(error).toMatchObject({ code: hubCode, context: { trouble }, cause });
    expect(error.message).toMatch(/^link to the region: .*[;:] .*\(.*\)$/);
    expect(error.message).toContain(nextStep);
    expect(error.message).toContain(code);
  });

  it("passes on what is explained already", () => {
    const error = new HubError("link-refused", "no");
    expect(explainLinkError(error)).toBe(error);
  });

  it("picks the telling one of the errors of several addresses", () => {
    const both = new AggregateError([coded("ENETUNREACH"), coded("ECONNREFUSED")], "all failed");
    expect(explainLinkError(both).context.trouble).toBe("nobody-listens");
    expect(explainLinkError(new AggregateError([coded("ENETUNREACH")])).context.trouble).toBe("no-route");
    expect(explainLinkError(new AggregateError([])).code).toBe("link-unreachable");
  });

  it.each([undefined, null, "text", 7, {}, new Error("plain")])("makes a sentence even of %j", (thrown) => {
    expect(explainLinkError(thrown)).toMatchObject({ code: "link-unreachable" });
  });
});
