import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type EpochMs, isoUtc } from "../../protocol/time.ts";
import { fetchMetadata } from "../download/metadata-fetch.ts";
import type { RepositorySource } from "../download/source.ts";
import { explainingFullDisk } from "../files/no-space.ts";
import { acceptanceOf, type Circumstances, isStaleDelegated, referenceOf } from "./acceptance.ts";
import type { MetadataStore, Staging } from "./metadata-store.ts";
import { missing, refusalOf } from "./refusal.ts";
import { type TrustedTarget, trustedTargetOf } from "./trusted-target.ts";
import { createTuf, type Tuf } from "./tuf.ts";
import { readRoot, type TrustedRoot } from "./verified-metadata.ts";

export interface TrustedUpdateOptions {
  readonly store: MetadataStore;
  readonly source: RepositorySource;
  readonly clock: Clock;
  /** When the running release was built. */
  readonly builtAt: EpochMs;
}

/**
 * One look at a repository, at one fixed time. What it verified on the way is kept even where a later step fails, so that
 * no later look can be given something older; all of it is durable when a call ends, either way.
 *
 * Rejects with `update-untrusted`, `update-expired`, `update-rolled-back`, `update-unreachable`, `update-too-large`,
 * `update-no-space` or `update-unknown-target`, each with a sentence for the person who waits for it.
 */
export interface TrustedUpdate extends AsyncDisposable {
  /** Bring the metadata up to date. Once an update, before `target`. */
  refresh(): Promise<void>;
  target(path: string): Promise<TrustedTarget>;
}

const isSame = (a: Uint8Array | null, b: Uint8Array): boolean => a !== null && Buffer.from(a).equals(b);

/** Begin a look at a repository. Its time is taken here; one at a time for a store. Rejects as its methods do. */
export const openTrustedUpdate = async (
  { store, source, clock, builtAt }: TrustedUpdateOptions,
  signal: AbortSignal,
): Promise<TrustedUpdate> => {
  const systemClock = clock.now();
  // tuf-js verifies in a folder of its own, so that nothing it half-writes is ever trusted.
  const staging: Staging = await explainingFullDisk("update check", () => store.stage());
  let transport: unknown = null;

  const fetch = async (name: string, most: number): Promise<Buffer | null> => {
    try {
      const bytes = await fetchMetadata(source, clock, name, most, signal);
      // A root that is not there is none that is newer; of everything else the repository itself says that it is.
      if (bytes === null && !/^\d+\.root\.json$/.test(name)) throw missing(source, name);
      return bytes;
    } catch (thrown) {
      transport = thrown;
      throw thrown;
    }
  };

  const changedOf = async (contents: ReadonlyMap<string, Uint8Array>): Promise<ReadonlySet<string>> => {
    const changed = new Set<string>();
    for (const [name, bytes] of contents) if (!isSame(await store.installed(name), bytes)) changed.add(name);
    return changed;
  };

  const rootIn = (contents: ReadonlyMap<string, Uint8Array>): TrustedRoot => {
    const root = readRoot(contents.get("root.json") ?? new Uint8Array());
    if (root === null)
      throw new HubError("update-untrusted", "update check: root.json changed under the check; try again");
    return root;
  };

  /** Make durable what was verified: root, floors, then the files that they protect. */
  const settle = async (isComplete: boolean): Promise<Circumstances> => {
    const contents = await staging.contents();
    const changed = await changedOf(contents);
    const root = rootIn(contents);
    if (changed.has("root.json")) await store.install("root.json", contents.get("root.json") ?? new Uint8Array());
    const { floors, damagedCopies } = await store.floors.load();
    const circumstances = { root, floors, systemClock, builtAt, repository: source };
    const accepted = acceptanceOf({ contents, changed, isComplete }, circumstances);
    if (accepted.floors !== floors || damagedCopies > 0) await store.floors.save(accepted.floors);
    for (const name of accepted.install) await store.install(name, contents.get(name) ?? new Uint8Array());
    if (accepted.refusal !== null) throw accepted.refusal;
    return circumstances;
  };

  const settled = (isComplete: boolean): Promise<Circumstances> =>
    explainingFullDisk("update check", () => settle(isComplete));

  const run = async <T>(
    step: (tuf: Tuf) => Promise<T>,
  ): Promise<{ readonly result: T; readonly root: TrustedRoot }> => {
    transport = null;
    let result: T;
    try {
      result = await step(tuf);
    } catch (thrown) {
      const circumstances = await settled(false);
      throw refusalOf(thrown, transport, source, isoUtc(referenceOf(circumstances)));
    }
    return { result, root: (await settled(true)).root };
  };

  /** tuf-js would still believe, by the machine's clock, what has expired by this update's time. */
  const dropStale = async (): Promise<void> => {
    const contents = await staging.contents();
    const { floors } = await store.floors.load();
    const reference = referenceOf({ root: rootIn(contents), floors, systemClock, builtAt, repository: source });
    for (const [name, bytes] of contents) if (isStaleDelegated(name, bytes, reference)) await staging.drop(name);
  };

  let tuf: Tuf;
  try {
    await dropStale();
    tuf = createTuf(staging.directory, fetch);
  } catch (thrown) {
    await staging[Symbol.asyncDispose]();
    throw refusalOf(thrown, null, source, isoUtc(systemClock));
  }

  return {
    refresh: async () => {
      await run((client) => client.refresh());
    },
    target: async (path) => {
      const { result, root } = await run((client) => client.targetOf(path));
      return trustedTargetOf(result, path, root.consistentSnapshot, source);
    },
    [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
  };
};
