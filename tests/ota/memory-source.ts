import type { RepositorySource, SourceReply, SourceRequest } from "../../ota/download/source.ts";
import type { TestRepository } from "./repository.ts";

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A repository without a network in between. `answer` may replace a reply; what was asked for is in `asked`. */
export const createMemorySource = (
  { files }: Pick<TestRepository, "files">,
  answer: (request: SourceRequest) => SourceReply | null = () => null,
): RepositorySource & { readonly asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    name: "the test repository",
    renewal: "Publish it anew",
    open: async (request) => {
      asked.push(`${request.part}/${request.path}`);
      const special = answer(request);
      if (special !== null) return special;
      const content = files.get(`${request.part}/${decodeURIComponent(request.path)}`);
      if (content === undefined) return { tag: "absent" };
      if (request.from > content.length) return { tag: "out-of-range" };
      const body = inChunks(content.subarray(request.from), 65_536);
      return { tag: "content", from: request.from, length: content.length, validator: null, body };
    },
  };
};

/** A reply with a body of one's own, of unknown length. */
export const replyOf = (body: AsyncIterable<Uint8Array>): SourceReply => ({
  tag: "content",
  from: 0,
  length: null,
  validator: null,
  body,
});
