import "./reflect-metadata.ts";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { type EpochMs, epochMs } from "../../protocol/time.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** A clock of another machine may be a little behind; a day also covers a zone mistake. */
const VALID_BEFORE_MS = 86_400_000;
/** A simulated home lives for minutes; 30 days leave room for soak runs and keep a leaked key harmless. */
const VALID_AFTER_MS = 30 * 86_400_000;

/** A certificate with its private key, both as PEM text. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  /** Default: one day before and 30 days after the authority's `now`. */
  readonly notBefore?: EpochMs;
  readonly notAfter?: EpochMs;
}

export interface ServerOptions extends IssueOptions {
  /** Names of the server: host names or IPv4 addresses. Default: `localhost` and `127.0.0.1`. */
  readonly names?: readonly string[];
}

/** A small certificate authority, made at start and forgotten at the end. Nothing of it is ever reused. */
export interface CertificateAuthority {
  /** PEM of the authority's own certificate: what the other side trusts. */
  readonly certificate: string;
  server(options?: ServerOptions): Promise<Identity>;
  /** Client certificate whose common name is `commonName`: the hub's id, or the name of the region's own client. */
  client(commonName: string, options?: IssueOptions): Promise<Identity>;
}

const isAddress = (name: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(name);

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

/** RFC 5280 4.1.2.2: positive, at most 20 octets. */
const newSerialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
};

const keyPem = async (key: webcrypto.CryptoKey): Promise<string> =>
  `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;

const certificatePem = (certificate: x509.X509Certificate): string => `${certificate.toString("pem")}\n`;

/**
 * Make an authority called `name`. Two authorities of the same name are still different ones: only the key counts.
 * `now` is the wall clock of the home, from which validity is counted; expired or not yet valid certificates for
 * tests come from `notBefore` and `notAfter`, certificates of a foreign authority from a second authority.
 */
export const createCertificateAuthority = async (name: string, now: EpochMs): Promise<CertificateAuthority> => {
  const keys = await newKeys();
  const subject = `CN=${name}`;
  const validity = (options: IssueOptions): { notBefore: Date; notAfter: Date } => ({
    notBefore: new Date(options.notBefore ?? epochMs(now - VALID_BEFORE_MS)),
    notAfter: new Date(options.notAfter ?? epochMs(now + VALID_AFTER_MS)),
  });

  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: subject,
    ...validity({}),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });

  const issue = async (
    commonName: string,
    options: IssueOptions,
    usage: x509.ExtendedKeyUsage,
    names: readonly string[],
  ): Promise<Identity> => {
    const pair = await newKeys();
    const alternative = names.map((one) => ({ type: isAddress(one) ? "ip" : "dns", value: one }) as const);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: `CN=${commonName}`,
      issuer: subject,
      ...validity(options),
      publicKey: pair.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ...(alternative.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternative)]),
      ],
    });
    return { certificate: certificatePem(certificate), key: await keyPem(pair.privateKey) };
  };

  return {
    certificate: certificatePem(own),
    server: (options = {}) =>
      issue("region", options, x509.ExtendedKeyUsage.serverAuth, options.names ?? ["localhost", "127.0.0.1"]),
    client: (commonName, options = {}) => issue(commonName, options, x509.ExtendedKeyUsage.clientAuth, []),
  };
};
