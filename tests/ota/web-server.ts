import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHttpSource } from "../../ota/download/http-source.ts";
import type { RepositorySource } from "../../ota/download/source.ts";

export interface Asked {
  readonly url: string;
  readonly range: string | null;
  readonly ifRange: string | null;
}

export type Answer = (response: ServerResponse, asked: Asked, content: Buffer | undefined) => void;

/** A web server on the loopback with a region's files, and with any fault that `answer` plays. */
export interface WebServer extends AsyncDisposable {
  readonly source: RepositorySource;
  readonly asked: Asked[];
  /** How requests are answered from now on. */
  answer: Answer;
}

const firstByteOf = (range: string | null): number => Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);

export interface PlainOptions {
  readonly etag?: string;
  readonly ranges?: boolean;
  /** Ends the connection after so many bytes of the body, */
  readonly breakAfter?: number;
  /** when this resolves: what the client has not yet taken is lost with the connection. */
  readonly beforeBreaking?: () => Promise<unknown>;
}

/** What a proper static server says (RFC 9110, 13.1.5 and 14), as far as its options let it. */
export const plainly =
  ({ etag, ranges = true, breakAfter, beforeBreaking }: PlainOptions = {}): Answer =>
  (response, { range, ifRange }, content) => {
    if (content === undefined) return void response.writeHead(404).end();
    const isCurrent = ifRange === null || ifRange === etag;
    const from = ranges && isCurrent ? firstByteOf(range) : 0;
    if (from > 0 && from >= content.length) {
      return void response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    }
    const body = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": body.length,
      "content-type": "application/octet-stream",
      ...(etag === undefined ? {} : { etag }),
      ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    if (breakAfter === undefined || breakAfter >= body.length) return void response.end(body);
    response.write(body.subarray(0, breakAfter), () => {
      void (beforeBreaking?.() ?? Promise.resolve()).then(() => response.destroy());
    });
  };

export const startWebServer = async (files: Pick<ReadonlyMap<string, Buffer>, "get">): Promise<WebServer> => {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const one = {
      url: request.url ?? "",
      range: request.headers.range ?? null,
      ifRange: (request.headers["if-range"] as string | undefined) ?? null,
    };
    asked.push(one);
    web.answer(response, one, files.get(decodeURIComponent(one.url.slice(1))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;
  const web: WebServer = {
    source: createHttpSource({ metadataUrl: new URL(`${base}/metadata/`), targetsUrl: new URL(`${base}/targets`) }),
    asked,
    answer: plainly(),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return web;
};
