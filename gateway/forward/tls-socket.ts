import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { HubError } from "../../protocol/errors.ts";
import { closedUnanswered, explainLinkError } from "./explain-link-error.ts";

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

const ignoreLate = (): void => undefined;

/**
 * Open a mutually authenticated TLS connection. Resolves when the handshake succeeded on this side (with TLS 1.3 the
 * broker may still refuse the hub's certificate after that). Rejects with an explained HubError, or with the signal's
 * reason; nothing is left open then. Verification of chain and name is never off.
 */
export const openTlsSocket = (
  address: BrokerAddress,
  credentials: LinkCredentials,
  signal: AbortSignal,
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
        rejectUnauthorized: true,
        ...(servername === undefined ? {} : { servername }),
      });
    } catch (thrown) {
      // A certificate and a key that do not belong together fail here, before anything is sent.
      return reject(explainLinkError(thrown));
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
    const onError = (error: Error): void => fail(explainLinkError(error));
    const onClose = (): void => fail(closedUnanswered());
    socket.once("error", onError);
    socket.once("close", onClose);
    socket.once("secureConnect", () => {
      settled.abort();
      socket.off("error", onError);
      socket.off("close", onClose);
      // A reading at rest is one small packet: waiting for more to send would cost it up to 40 ms.
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
