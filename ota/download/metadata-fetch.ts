import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { atPace, LEAST_PACE } from "./pace.ts";
import type { RepositorySource } from "./source.ts";

/** A file of metadata, whole; null where the repository has none. Stops reading at the first byte that is too many. */
export const fetchMetadata = (
  source: RepositorySource,
  clock: Clock,
  path: string,
  mostBytes: number,
  signal: AbortSignal,
): Promise<Buffer | null> =>
  atPace(clock, LEAST_PACE, source.name, signal, async (paced) => {
    const asked = { part: "metadata", path, from: 0, validator: null } as const;
    const reply = await paced.orAborted(source.open(asked, paced.signal));
    if (reply.tag !== "content") return null;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of paced.counted(reply.body)) {
      length += chunk.length;
      if (length > mostBytes) {
        throw new HubError(
          "update-too-large",
          `update check: ${path} of ${source.name} is longer than the ${mostBytes} bytes that it may be; nothing of it was taken. Report it to the region`,
        );
      }
      chunks.push(chunk);
    }
    if (reply.length !== null && length < reply.length) {
      throw new HubError(
        "update-unreachable",
        `update check: ${path} of ${source.name} broke off after ${length} of ${reply.length} bytes; it is tried again later`,
      );
    }
    return Buffer.concat(chunks);
  });
