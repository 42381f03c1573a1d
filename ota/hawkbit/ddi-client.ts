import { request as requestPlain } from "node:http";
import { type RequestOptions, request as requestTls } from "node:https";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { seconds } from "../../protocol/time.ts";

/** An action with a hundred modules takes some 100 kB. */
const MOST_ANSWER_BYTES = 512 * 1024;
/** For a whole exchange: messages are small, so that what takes longer hangs. */
const DEADLINE = seconds(30);
/** What a server may ask to wait (RFC 9110, 10.2.3). */
const LONGEST_RETRY_AFTER_S = 6 * 3600;

/** What a TLS connection is made with; the certificate is the hub's own, where the server wants one. */
export type DdiTls = Pick<RequestOptions, "ca" | "cert" | "key" | "servername">;

export interface DdiClientOptions {
  /** Where hawkBit answers, such as `https://hawkbit.example` or `https://host/hawkbit`. */
  readonly url: string;
  readonly tenant: string;
  readonly controllerId: string;
  readonly clock: Clock;
  /** Value of the header; null: the certificate is enough. Asked for each request: it may be exchanged. */
  readonly authorization: () => Promise<string | null>;
  readonly tls: () => Promise<DdiTls>;
}

export type DdiAnswer =
  | { readonly tag: "content"; readonly json: unknown; readonly etag: string | null }
  /** As it was when the given ETag came. */
  | { readonly tag: "unchanged" }
  /** There is no such thing, or not any more. */
  | { readonly tag: "gone" };

/**
 * One device's resources at a hawkBit server. Rejects with `update-unreachable` and a sentence, whatever the server does
 * (`context.retryAfterS` where it said how long to wait), and with the signal's reason.
 */
export interface DdiClient {
  /** `path` below the device's own; empty: the device itself. */
  get(path: string, etag: string | null, signal: AbortSignal): Promise<DdiAnswer>;
  /** Resolves when the server has taken it; `gone`: it does not wait for this any more. */
  send(method: "POST" | "PUT", path: string, body: unknown, signal: AbortSignal): Promise<"taken" | "gone">;
}

interface Reply {
  readonly status: number;
  readonly etag: string | null;
  readonly retryAfter: string | null;
  readonly body: string;
}

const headerOf = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null;

/** Seconds only: a date is measured against a clock that may be wrong. */
const retryAfterS = (header: string | null): number | null =>
  header !== null && /^\d{1,9}$/.test(header) ? Math.min(Number(header), LONGEST_RETRY_AFTER_S) : null;

/** What an answer means for a person; null where it is none of these. */
const meaningOf = (status: number): string | null => {
  if (status === 401 || status === 403) {
    return `does not accept this hub (${status}); give it its token again (updates.hawkbit.tokenFile), and check that the tenant allows this way of authentication`;
  }
  if (status === 429) return "asks to be asked less often (429); the hub waits";
  if (status >= 500) return `is in trouble itself (${status}); it is tried again later`;
  if (status >= 300 && status < 400) {
    return `answered with a redirection (${status}), as the sign-in page of a public network does; give the address that it redirects to as updates.hawkbit.url, or connect the hub to the home's own network`;
  }
  return status >= 400 ? `refuses what this hub sends (${status}); report it to whoever maintains the hub` : null;
};

/** `extra`: headers besides. */
type Exchange = (
  method: string,
  path: string,
  extra: Readonly<Record<string, string>>,
  body: string | null,
  signal: AbortSignal,
) => Promise<Reply>;

export const createDdiClient = (options: DdiClientOptions): DdiClient => {
  const { url, tenant, controllerId, clock } = options;
  const base = `${url.replace(/\/+$/, "")}/${encodeURIComponent(tenant)}/controller/v1/${encodeURIComponent(controllerId)}`;
  const name = `hawkBit at ${new URL(url).host}`;
  const unreachable = (found: string, cause?: unknown, waitS: number | null = null): HubError => {
    const context = waitS === null ? {} : { retryAfterS: waitS };
    return new HubError("update-unreachable", `updates: ${name} ${found}`, { cause, context });
  };

  const exchange: Exchange = async (method, path, extra, body, signal) => {
    const address = new URL(path === "" ? base : `${base}/${path}`);
    const authorization = await options.authorization();
    const headers = {
      accept: "application/hal+json, application/json",
      ...(authorization === null ? {} : { authorization }),
      ...(body === null ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      ...extra,
    };
    const isTls = address.protocol === "https:";
    const given: RequestOptions = { method, headers, agent: false, signal, ...(isTls ? await options.tls() : {}) };
    return await new Promise<Reply>((resolve, reject) => {
      const sent = (isTls ? requestTls : requestPlain)(address, given, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length <= MOST_ANSWER_BYTES) return chunks.push(chunk);
          return response.destroy(
            unreachable(`sends more than ${MOST_ANSWER_BYTES} bytes; stopped, report it to the region`),
          );
        });
        response.on("error", reject);
        response.on("end", () => {
          const etag = headerOf(response.headers.etag);
          const retryAfter = headerOf(response.headers["retry-after"]);
          resolve({ status: response.statusCode ?? 0, etag, retryAfter, body: Buffer.concat(chunks).toString("utf8") });
        });
      });
      sent.on("error", reject);
      sent.end(body ?? undefined);
    });
  };

  /** Ends after the deadline at the latest, with a sentence where it has failed. */
  const exchanged: Exchange = async (method, path, extra, body, signal) => {
    const late = new AbortController();
    const done = new AbortController();
    const watch = clock.sleep(DEADLINE, done.signal).then(
      () => late.abort(),
      () => undefined,
    );
    try {
      return await exchange(method, path, extra, body, AbortSignal.any([signal, late.signal]));
    } catch (thrown) {
      signal.throwIfAborted();
      if (isHubError(thrown)) throw thrown;
      if (late.signal.aborted)
        throw unreachable(`did not answer within ${DEADLINE / 1000} s; it is tried again later`, thrown);
      throw unreachable(
        `is not reached (${messageOf(thrown)}); check the home's Internet, it is tried again later`,
        thrown,
      );
    } finally {
      done.abort();
      await watch;
    }
  };

  const refused = ({ status, retryAfter }: Reply): HubError | null => {
    const meaning = meaningOf(status);
    return meaning === null ? null : unreachable(meaning, undefined, retryAfterS(retryAfter));
  };

  return {
    get: async (path, etag, signal) => {
      const reply = await exchanged("GET", path, etag === null ? {} : { "if-none-match": etag }, null, signal);
      if (reply.status === 304 && etag !== null) return { tag: "unchanged" };
      if (reply.status === 404 || reply.status === 410) return { tag: "gone" };
      const refusal = refused(reply);
      if (refusal !== null) throw refusal;
      try {
        return { tag: "content", json: JSON.parse(reply.body) as unknown, etag: reply.etag };
      } catch (thrown) {
        const found = "answered what is no JSON, as the sign-in page of a public network does";
        throw unreachable(`${found}; check updates.hawkbit.url and the home's Internet`, thrown);
      }
    },
    send: async (method, path, body, signal) => {
      const reply = await exchanged(method, path, {}, JSON.stringify(body), signal);
      if (reply.status === 404 || reply.status === 410) return "gone";
      const refusal = refused(reply);
      if (refusal !== null) throw refusal;
      return "taken";
    },
  };
};
