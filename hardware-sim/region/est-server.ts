import "./reflect-metadata.ts";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import type { CertificateAuthority, Identity, IssueOptions } from "./certificates.ts";

/** What the server does with one request. `issue` is what it should do; the rest is how such servers fail. */
export type EstBehaviour =
  | { readonly tag: "issue"; readonly validity?: IssueOptions; readonly authority?: CertificateAuthority }
  /** 202: somebody has to approve it first (RFC 7030 4.2.3). */
  | { readonly tag: "later"; readonly afterS: number }
  | { readonly tag: "status"; readonly status: number }
  /** 200 with this body. */
  | { readonly tag: "body"; readonly body: string }
  /** A certificate for a key that the hub does not have. */
  | { readonly tag: "foreign-key" }
  | { readonly tag: "close" };

export interface EstServerOptions {
  /** Issues certificates to hubs, and is whom their present ones come from. */
  readonly authority: CertificateAuthority;
  /** Of the server itself. */
  readonly identity: Identity;
  /** Asked at each request, counted from 1. Default: issue. */
  readonly behave?: (request: number) => EstBehaviour;
}

/** A request that reached the server, and whose certificate it came with. */
export interface EstRequest {
  readonly hub: string;
  /** The certificate that it was made with has expired. */
  readonly expired: boolean;
  /** SPKI of the key that it is for, in hex. */
  readonly publicKey: string;
}

/**
 * The region's enrolment server: simplereenroll of RFC 7030 (4.2.2) over mutual TLS. A certificate that has expired is
 * taken, because renewing it is what the hub comes for; everything else about it must be right, and the request must
 * be for the same name and signed with the key that it is about.
 */
export interface EstServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly EstRequest[];
}

const HOST = "127.0.0.1";
const PATH = "/.well-known/est/simplereenroll";
const LARGEST_REQUEST = 16 * 1024;

const readBody = async (request: IncomingMessage): Promise<string> => {
  let body = "";
  for await (const chunk of request as AsyncIterable<Buffer>) {
    body += chunk.toString("latin1");
    if (body.length > LARGEST_REQUEST) throw new RangeError("request too long");
  }
  return body;
};

const commonNameOf = (subject: string): string => /CN=([^,\n]+)/.exec(subject)?.[1] ?? "";

/** The subject as @peculiar/x509 writes it. */
const subjectOf = (certificate: X509Certificate): string => new x509.X509Certificate(certificate.raw).subject;

const certsOnly = (certificates: readonly string[]): string =>
  Buffer.from(
    new x509.X509Certificates(certificates.map((pem) => new x509.X509Certificate(pem))).export("raw"),
  ).toString("base64");

export const createEstServer = async (options: EstServerOptions): Promise<EstServer> => {
  const { authority, identity } = options;
  const behave = options.behave ?? ((): EstBehaviour => ({ tag: "issue" }));
  const issuer = new X509Certificate(authority.certificate);
  const requests: EstRequest[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const end = (status: number, body = "", headers: Record<string, string> = {}): void => {
      response.writeHead(status, headers);
      response.end(body);
    };
    const present = (request.socket as TLSSocket).getPeerX509Certificate();
    const body = await readBody(request);
    if (request.method !== "POST" || request.url !== PATH) return end(404);
    if (present === undefined || !present.checkIssued(issuer) || !present.verify(issuer.publicKey)) return end(401);
    const asked = new x509.Pkcs10CertificateRequest(Buffer.from(body, "base64"));
    if (!(await asked.verify()) || asked.subject !== subjectOf(present)) return end(400);
    requests.push({
      hub: commonNameOf(present.subject),
      expired: present.validToDate.getTime() < Date.now(),
      publicKey: Buffer.from(asked.publicKey.rawData).toString("hex"),
    });

    const certificate = async (by: CertificateAuthority, publicKey: ArrayBuffer, validity: IssueOptions) =>
      by.certify({ publicKey, commonName: commonNameOf(present.subject) }, validity);
    const issue = (pem: string, by: CertificateAuthority): void =>
      end(200, certsOnly([pem, by.certificate]), {
        "content-type": "application/pkcs7-mime; smime-type=certs-only",
        "content-transfer-encoding": "base64",
      });

    const does = behave(requests.length);
    switch (does.tag) {
      case "issue": {
        const by = does.authority ?? authority;
        return issue(await certificate(by, asked.publicKey.rawData, does.validity ?? {}), by);
      }
      case "foreign-key":
        return issue((await authority.client(commonNameOf(present.subject))).certificate, authority);
      case "later":
        return end(202, "", { "retry-after": String(does.afterS) });
      case "status":
        return end(does.status, "no");
      case "body":
        return end(200, does.body);
      case "close":
        request.socket.destroy();
    }
  };

  const server = createServer(
    {
      cert: identity.certificate,
      key: identity.key,
      ca: authority.certificate,
      requestCert: true,
      // Else one that has expired could never be renewed; `answer` checks the rest.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
    },
    (request, response) => {
      answer(request, response).catch(() => {
        response.writeHead(400);
        response.end();
      });
    },
  );
  server.listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${HOST}:${port}/.well-known/est`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};
