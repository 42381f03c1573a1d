import type { X509Certificate } from "node:crypto";
import { type IncomingMessage, request } from "node:http";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import { withDeadline } from "../forward/deadline.ts";
import type { OpenSocket } from "../forward/socket-opener.ts";
import type { LinkCredentials } from "../forward/tls-socket.ts";
import { certificatesIn } from "./certs-only.ts";

/** What an enrolment server answered to a request for a certificate (RFC 7030 4.2.3). */
export type EstAnswer =
  | { readonly tag: "issued"; readonly certificates: readonly X509Certificate[] }
  /** 202: somebody has to approve it; the same request is to come again after that time. */
  | { readonly tag: "later"; readonly after: Millis };

export interface EstClientOptions {
  /** `https://host[:port]/.well-known/est[/label]`. */
  readonly url: string;
  readonly openSocket: OpenSocket;
  readonly clock: Clock;
}

/**
 * Asks for a certificate for a key of one's own, over mutual TLS with the present pair (RFC 7030 4.2.2). Rejects with
 * HubError `link-tls`, `link-unreachable`, `link-timeout`, `link-refused` or `certificate-unreadable`.
 */
export type Reenrol = (csr: Uint8Array, credentials: LinkCredentials, signal: AbortSignal) => Promise<EstAnswer>;

export const EST_SUBJECT = "certificate renewal";
const HTTPS_PORT = 443;
/** A whole exchange, with a server that signs in hardware over a slow link. */
const DEADLINE = seconds(60);
const LARGEST_ANSWER = 64 * 1024;
const LATER_BY_DEFAULT = minutes(60);

const failed = (found: string, cause?: unknown): HubError =>
  new HubError("link-refused", `${EST_SUBJECT}: ${found}; the hub keeps its certificate and asks again`, { cause });

const readBody = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_ANSWER) throw failed(`the server sends more than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("latin1");
};

/** Seconds only; a date would be read with a clock that may be wrong. */
const retryAfter = (response: IncomingMessage): Millis => {
  const text = response.headers["retry-after"] ?? "";
  return /^\d{1,7}$/.test(text) ? millis(Number(text) * 1000) : LATER_BY_DEFAULT;
};

const answerOf = async (response: IncomingMessage): Promise<EstAnswer> => {
  const status = response.statusCode ?? 0;
  if (status === 202) return { tag: "later", after: retryAfter(response) };
  const body = await readBody(response);
  // A redirect is not followed (RFC 7030 3.2.1 leaves it to the client): the address is the configuration's.
  if (status !== 200) throw failed(`the enrolment server answers with status ${status}`);
  // Base64 whatever the header says (RFC 8951 3.1).
  return { tag: "issued", certificates: certificatesIn(Buffer.from(body, "base64")) };
};

export const createReenrol = ({ url, openSocket, clock }: EstClientOptions): Reenrol => {
  const { hostname, port, pathname } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const address = { host, port: port === "" ? HTTPS_PORT : Number(port), servername: null };
  const path = `${pathname.replace(/\/+$/, "")}/simplereenroll`;

  const exchange = async (csr: Uint8Array, credentials: LinkCredentials, signal: AbortSignal): Promise<EstAnswer> => {
    const socket = await openSocket(address, credentials, signal);
    try {
      const body = Buffer.from(csr).toString("base64");
      const headers = {
        host: port === "" ? hostname : `${hostname}:${port}`,
        "content-type": "application/pkcs10",
        "content-transfer-encoding": "base64",
        "content-length": body.length,
        connection: "close",
      };
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const asking = request({ createConnection: () => socket, method: "POST", path, headers, signal });
        asking.once("response", resolve);
        asking.on("error", reject);
        asking.end(body);
      });
      return await answerOf(response);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (thrown instanceof HubError) throw thrown;
      throw failed(`the connection broke (${messageOf(thrown)})`, thrown);
    } finally {
      socket.destroy();
    }
  };

  const late = (): HubError =>
    new HubError("link-timeout", `${EST_SUBJECT}: no answer within ${DEADLINE / 1000} s; the hub asks again`);
  return (csr, credentials, signal) =>
    withDeadline(clock, DEADLINE, late, signal, (limit) => exchange(csr, credentials, limit));
};
