import "./reflect-metadata.ts";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { type EpochMs, epochMs } from "../../protocol/time.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** A clock of another machine may be a little behind; a day also covers a zone mistake. */
const VALID_BEFORE_MS = 86_400_000;
/** A simulated home lives for minutes; 30 days leave room for soak runs and keep a leaked key harmless. */
const VALID_AFTER_MS = 30 * 86_400_000;

/** Of a server on this machine. */
const DEFAULT_NAMES = ["localhost", "127.0.0.1"];

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

/** What a client asks to have certified: its public key (SPKI, DER) and its name. */
export interface CertificationRequest {
  readonly publicKey: ArrayBuffer;
  readonly commonName: string;
}

/** A small certificate authority, made at start and forgotten at the end. Nothing of it is ever reused. */
export interface CertificateAuthority {
  /** PEM of the authority's own certificate: what the other side trusts. */
  readonly certificate: string;
  server(options?: ServerOptions): Promise<Identity>;
  /** Client certificate whose common name is `commonName`: the hub's id, or the name of the region's own client. */
  client(commonName: string, options?: IssueOptions): Promise<Identity>;
  /** Client certificate, as PEM, for a key that somebody else made and keeps. */
  certify(request: CertificationRequest, options?: IssueOptions): Promise<string>;
  /** An authority below this one: what it issues is trusted by whom trusts this one, if its certificate is sent along. */
  subordinate(name: string, options?: IssueOptions): Promise<CertificateAuthority>;
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

interface Issuer {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly certificate: x509.X509Certificate;
  readonly now: EpochMs;
}

const validityOf = (now: EpochMs, options: IssueOptions): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(options.notBefore ?? epochMs(now - VALID_BEFORE_MS)),
  notAfter: new Date(options.notAfter ?? epochMs(now + VALID_AFTER_MS)),
});

const authorityExtensions = async (
  publicKey: webcrypto.CryptoKey,
  pathLength: number,
): Promise<readonly x509.Extension[]> => [
  new x509.BasicConstraintsExtension(true, pathLength, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  await x509.SubjectKeyIdentifierExtension.create(publicKey),
];

const endEntity = (usage: x509.ExtendedKeyUsage, names: readonly string[]): readonly x509.Extension[] => {
  const alternative = names.map((one) => ({ type: isAddress(one) ? "ip" : "dns", value: one }) as const);
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
    ...(alternative.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternative)]),
  ];
};

const authorityOf = ({ keys, certificate: own, now }: Issuer): CertificateAuthority => {
  const sign = async (
    subject: string,
    publicKey: x509.PublicKeyType,
    options: IssueOptions,
    extensions: readonly x509.Extension[],
  ): Promise<x509.X509Certificate> =>
    x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject,
      issuer: own.subject,
      ...validityOf(now, options),
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [...extensions, await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey)],
    });

  const issue = async (
    commonName: string,
    options: IssueOptions,
    usage: x509.ExtendedKeyUsage,
    names: readonly string[],
  ): Promise<Identity> => {
    const pair = await newKeys();
    const certificate = await sign(`CN=${commonName}`, pair.publicKey, options, endEntity(usage, names));
    return { certificate: certificatePem(certificate), key: await keyPem(pair.privateKey) };
  };

  return {
    certificate: certificatePem(own),
    server: (options = {}) =>
      issue("region", options, x509.ExtendedKeyUsage.serverAuth, options.names ?? DEFAULT_NAMES),
    client: (commonName, options = {}) => issue(commonName, options, x509.ExtendedKeyUsage.clientAuth, []),
    certify: async ({ publicKey, commonName }, options = {}) => {
      const extensions = endEntity(x509.ExtendedKeyUsage.clientAuth, []);
      const key = new x509.PublicKey(publicKey);
      return certificatePem(await sign(`CN=${commonName}`, key, options, extensions));
    },
    subordinate: async (name, options = {}) => {
      const pair = await newKeys();
      const extensions = await authorityExtensions(pair.publicKey, 0);
      const certificate = await sign(`CN=${name}`, pair.publicKey, options, extensions);
      return authorityOf({ keys: pair, certificate, now });
    },
  };
};

/**
 * Make an authority called `name`. Two authorities of the same name are still different ones: only the key counts.
 * `now` is the wall clock of the home, from which validity is counted; expired or not yet valid certificates for
 * tests come from `notBefore` and `notAfter`, certificates of a foreign authority from a second authority.
 */
export const createCertificateAuthority = async (
  name: string,
  now: EpochMs,
  options: IssueOptions = {},
): Promise<CertificateAuthority> => {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: `CN=${name}`,
    ...validityOf(now, options),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [...(await authorityExtensions(keys.publicKey, 1))],
  });
  return authorityOf({ keys, certificate, now });
};

/** A server that vouches for itself, as appliances do out of the box. */
export const createSelfSignedServer = async (now: EpochMs, options: ServerOptions = {}): Promise<Identity> => {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: "CN=region",
    ...validityOf(now, options),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [...endEntity(x509.ExtendedKeyUsage.serverAuth, options.names ?? DEFAULT_NAMES)],
  });
  return { certificate: certificatePem(certificate), key: await keyPem(keys.privateKey) };
};
