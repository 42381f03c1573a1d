import { once } from "node:events";
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const HOST = "127.0.0.1";
/** What is served of the folder; keys and drafts lie beside it. */
const SERVED = ["metadata", "targets"];

export interface ReleaseServerOptions {
  /** A published repository. */
  readonly folder: string;
  /** Awaited before each piece of a body: of which path, and what of the file has gone before it, in bytes. */
  readonly beforePiece?: (path: string, sent: number) => Promise<void>;
}

/** A region's releases on a static web server: GET and HEAD, one open-ended range, strong validators (RFC 9110). */
export interface ReleaseServer extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
}

interface Found {
  readonly file: string;
  readonly length: number;
  readonly etag: string;
}

/** The file that a path names; null where there is none, also for whatever leads out of what is served. */
const find = async (folder: string, path: string): Promise<Found | null> => {
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, decodeURIComponent(path)));
    if (!SERVED.some((part) => file.startsWith(join(root, part) + sep))) return null;
    const about = await stat(file);
    const etag = `"${about.ino}-${about.size}-${about.mtimeMs}"`;
    return about.isFile() ? { file, length: about.size, etag } : null;
  } catch {
    // No such file, or no path at all.
    return null;
  }
};

const firstByte = ({ headers }: IncomingMessage, etag: string): number => {
  const condition = headers["if-range"];
  if (condition !== undefined && condition !== etag) return 0;
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
};

export const createReleaseServer = async (options: ReleaseServerOptions): Promise<ReleaseServer> => {
  const { folder, beforePiece = async () => undefined } = options;

  async function* pieces(path: string, file: string, from: number): AsyncGenerator<Buffer> {
    let sent = from;
    for await (const piece of createReadStream(file, { start: from }) as AsyncIterable<Buffer>) {
      await beforePiece(path, sent);
      yield piece;
      sent += piece.length;
    }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const isHead = request.method === "HEAD";
    if (request.method !== "GET" && !isHead) return void response.writeHead(405, { allow: "GET, HEAD" }).end();
    const path = (request.url ?? "").split("?")[0] ?? "";
    const found = await find(folder, path);
    if (found === null) return void response.writeHead(404, { "content-type": "text/plain" }).end("no such file\n");
    const { file, length, etag } = found;
    const from = firstByte(request, etag);
    if (from > 0 && from >= length) {
      return void response.writeHead(416, { "content-range": `bytes */${length}` }).end();
    }
    response.writeHead(from > 0 ? 206 : 200, {
      "accept-ranges": "bytes",
      "content-length": length - from,
      "content-type": file.endsWith(".json") ? "application/json" : "application/octet-stream",
      etag,
      ...(from > 0 ? { "content-range": `bytes ${from}-${length - 1}/${length}` } : {}),
    });
    if (isHead) return void response.end();
    await pipeline(Readable.from(pieces(path, file, from), { objectMode: false }), response);
  };

  const server = createServer((request, response) => {
    // Who breaks off has its reasons, and comes again.
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
