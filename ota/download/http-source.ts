import { HubError, messageOf } from "../../protocol/errors.ts";
import type { RepositorySource, SourceReply, SourceRequest } from "./source.ts";

export interface HttpSourceOptions {
  readonly metadataUrl: URL;
  readonly targetsUrl: URL;
}

/** Answers that mean "no such file". Object stores say 403 where listing is not allowed. */
const ABSENT = new Set([403, 404, 410]);

/** A strong validator only: a weak one does not vouch for bytes (RFC 9110, 13.1.5). */
const validatorOf = (headers: Headers): string | null => {
  const etag = headers.get("etag");
  return etag === null || etag.startsWith("W/") ? null : etag;
};

const lengthOf = (headers: Headers): number | null => {
  const length = Number(headers.get("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : null;
};

/** First byte and whole length of `bytes 5-9/10` (RFC 9110, 14.4). */
const rangeOf = (headers: Headers): { readonly from: number; readonly length: number | null } | null => {
  const found = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (found === null) return null;
  return { from: Number(found[1]), length: found[2] === "*" ? null : Number(found[2]) };
};

const headersFor = ({ from, validator }: SourceRequest): Record<string, string> => ({
  // A transfer coding would make ranges and lengths those of another file.
  "accept-encoding": "identity",
  ...(from > 0 ? { range: `bytes=${from}-` } : {}),
  ...(from > 0 && validator !== null ? { "if-range": validator } : {}),
});

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

const withSlash = (url: URL): string => (url.href.endsWith("/") ? url.href : `${url.href}/`);

/** Any web server or CDN with static files. Needs no trust, and no Range: without it, transfers begin anew. */
export const createHttpSource = ({ metadataUrl, targetsUrl }: HttpSourceOptions): RepositorySource => {
  const name = `the update server ${targetsUrl.host}`;
  const unreachable = (path: string, found: string, cause?: unknown): HubError =>
    new HubError("update-unreachable", `update transfer: ${name}, ${path}: ${found}`, { cause });

  const request = async (asked: SourceRequest, signal: AbortSignal): Promise<Response> => {
    const base = withSlash(asked.part === "metadata" ? metadataUrl : targetsUrl);
    try {
      return await fetch(base + asked.path, { headers: headersFor(asked), redirect: "manual", signal });
    } catch (thrown) {
      signal.throwIfAborted();
      const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
      throw unreachable(asked.path, `${messageOf(cause)}; check the home's Internet, it is tried again later`, thrown);
    }
  };

  /** Why an answer is none of the repository's; null where it may be. */
  const strangeness = (response: Response): string | null => {
    if (response.status >= 300 && response.status < 400) {
      return `answered with a redirection (${response.status}), as the sign-in page of a public network does; connect the hub to the home's own network`;
    }
    if (response.ok && (response.headers.get("content-type") ?? "").startsWith("text/html")) {
      return "answered with a web page, as the sign-in page of a public network does; connect the hub to the home's own network";
    }
    if (!response.ok) return `answered ${response.status}; it is tried again later`;
    return null;
  };

  async function* bodyOf(response: Response, path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* response.body ?? emptyBody();
    } catch (thrown) {
      signal.throwIfAborted();
      throw unreachable(path, `the connection broke off (${messageOf(thrown)}); it is resumed later`, thrown);
    }
  }

  return {
    name,
    renewal: "Try again later; where it stays so, ask the region whether its update server is up to date",
    open: async (asked, signal): Promise<SourceReply> => {
      const response = await request(asked, signal);
      const refuse = async <T>(outcome: T): Promise<T> => {
        await response.body?.cancel();
        return outcome;
      };
      if (ABSENT.has(response.status)) return refuse({ tag: "absent" });
      if (response.status === 416) return refuse({ tag: "out-of-range" });
      const strange = strangeness(response);
      if (strange !== null) throw await refuse(unreachable(asked.path, strange));
      const range =
        response.status === 206 ? rangeOf(response.headers) : { from: 0, length: lengthOf(response.headers) };
      if (range === null) throw await refuse(unreachable(asked.path, "answered with a part and does not say which"));
      return {
        tag: "content",
        ...range,
        validator: validatorOf(response.headers),
        body: bodyOf(response, asked.path, signal),
      };
    },
  };
};
