/** Where a repository is, for sentences: a server or a stick. */
export interface RepositoryName {
  /** As in "the update server updates.example". */
  readonly name: string;
  /** What to do where its content is older than it may be; a sentence without its full stop. */
  readonly renewal: string;
}

/** Which half of a repository a file belongs to. */
export type RepositoryPart = "metadata" | "targets";

export interface SourceRequest {
  readonly part: RepositoryPart;
  /** Path below that half, each segment percent-encoded (RFC 3986). */
  readonly path: string;
  /** First byte that is wanted. */
  readonly from: number;
  /** Where `from` is above 0: the state of the file that the bytes before belong to. */
  readonly validator: string | null;
}

export type SourceReply =
  | {
      readonly tag: "content";
      /** First byte that comes: `from`, or 0 where the source cannot resume or the file has changed. */
      readonly from: number;
      /** Length of the whole file, where the source says it. */
      readonly length: number | null;
      /** Names this state of the file, for a later resumption; null where the source has nothing to rely on. */
      readonly validator: string | null;
      /** Untrusted, of any length. Ending the iteration early closes it. */
      readonly body: AsyncIterable<Uint8Array>;
    }
  | { readonly tag: "absent" }
  /** The file is shorter than `from`. */
  | { readonly tag: "out-of-range" };

/** A repository that is not trusted: a web server, a CDN, a stick. */
export interface RepositorySource extends RepositoryName {
  /** Rejects with `update-unreachable`, or with the signal's reason. */
  open(request: SourceRequest, signal: AbortSignal): Promise<SourceReply>;
}

/** A path of a target as it stands in a URL: names may hold `?`, `#` and `%`. */
export const encodePath = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
