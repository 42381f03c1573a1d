import { isIP, type LookupFunction } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { HubError } from "../../protocol/errors.ts";
import type { EpochMs } from "../../protocol/time.ts";
import { serverFaultAt } from "../credentials/chain-at.ts";
import { parseCertificates } from "../credentials/pem.ts";
import { closedUnanswered, explainLinkError, REGION_LINK } from "./explain-link-error.ts";

/** What proves the hub to the region and the region to the hub, in PEM. `ca` may hold two during a rotation. */
export interface LinkCredentials {
  readonly ca: readonly (string | Buffer)[];
  readonly certificate: string | Buffer;
  readonly key: string | Buffer;
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  /** Name that the certificate must have; null: `host`. */
  readonly servername: string | null;
}

/** IANA: secure-mqtt. */
const DEFAULT_PORT = 8883;

/** Host and port of `mqtts://host[:port]`. Throws HubError `invalid-config`: there is no way without TLS. */
export const brokerAddress = (url: string, servername: string | null): BrokerAddress => {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.protocol !== "mqtts:" || parsed.hostname === "") {
    throw new HubError(
      "invalid-config",
      `region address ${JSON.stringify(url)}: use mqtts://host or mqtts://host:port`,
    );
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: parsed.port === "" ? DEFAULT_PORT : Number(parsed.port), servername };
};

export interface TlsOptions {
  /** How the host's name is looked up; left out: by the system. */
  readonly lookup?: LookupFunction;
  /**
   * The time at which the server's certificate is checked, where the machine's clock is known to be wrong; null or left
   * out: by that clock.
   */
  readonly checkAt?: EpochMs | null;
  /** How sentences begin. */
  readonly subject?: string;
}

const ignoreLate = (): void => undefined;

/** What OpenSSL may find where only the machine's clock is wrong. All else is final. */
const FAULTS_OF_TIME = ["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"];

/**
 * Why the server is not to be trusted at `at`; null: it is. OpenSSL names only the last thing that it found, and time comes
 * last: an unknown authority whose certificate has expired is "expired" to it. So chain and name are checked here from
 * the beginning, and what OpenSSL finds beside them counts as well.
 */
const faultAt = (socket: TLSSocket, credentials: LinkCredentials, name: string, at: EpochMs): string | null => {
  // Node's types say Error; it is the code of OpenSSL's finding (tls documentation, tlsSocket.authorizationError).
  const found: unknown = socket.authorized ? null : socket.authorizationError;
  if (found !== null && !FAULTS_OF_TIME.includes(String(found))) return String(found);
  const anchors = credentials.ca.flatMap((pem) => parseCertificates("CA certificate", "", pem.toString()));
  return serverFaultAt(socket, anchors, name, at);
};

/**
 * Open a mutually authenticated TLS connection. Resolves when the handshake succeeded on this side (with TLS 1.3 the
 * broker may still refuse the hub's certificate after that). Rejects with an explained HubError, or with the signal's
 * reason; nothing is left open then. Verification of chain and name is never off: where it is not OpenSSL's alone,
 * because of the time, it is done before anything is sent.
 */
export const openTlsSocket = (
  address: BrokerAddress,
  credentials: LinkCredentials,
  signal: AbortSignal,
  { lookup, checkAt = null, subject = REGION_LINK }: TlsOptions = {},
): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const { host, port } = address;
    const servername = address.servername ?? (isIP(host) === 0 ? host : undefined);
    let socket: TLSSocket;
    try {
      socket = connect({
        host,
        port,
        ca: [...credentials.ca],
        cert: credentials.certificate,
        key: credentials.key,
        minVersion: "TLSv1.2",
        // Else `faultAt` decides below.
        rejectUnauthorized: checkAt === null,
        ...(servername === undefined ? {} : { servername }),
        ...(lookup === undefined ? {} : { lookup }),
      });
    } catch (thrown) {
      // A certificate and a key that do not belong together fail here, before anything is sent.
      return reject(explainLinkError(thrown, subject));
    }
    const settled = new AbortController();
    const fail = (error: unknown): void => {
      settled.abort();
      // A refused socket can fail a second time while it is torn down; its first failure is the answer.
      socket.on("error", ignoreLate);
      socket.destroy();
      reject(error);
    };
    signal.addEventListener("abort", () => fail(signal.reason), { once: true, signal: settled.signal });
    const onError = (error: Error): void => fail(explainLinkError(error, subject));
    const onClose = (): void => fail(closedUnanswered(subject));
    socket.once("error", onError);
    socket.once("close", onClose);
    socket.once("secureConnect", () => {
      const fault = checkAt === null ? null : faultAt(socket, credentials, servername ?? host, checkAt);
      if (fault !== null) return fail(explainLinkError({ code: fault }, subject));
      settled.abort();
      socket.off("error", onError);
      socket.off("close", onClose);
      // A reading at rest is one small packet: waiting for more to send would cost it up to 40 ms.
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
