import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isHubError } from "../../protocol/errors.ts";
import { replaceDurably, syncDirectory } from "../store/durable-file.ts";
import { fileFailure } from "../store/number-floor.ts";
import { type Identity, type IdentityFiles, identityText, readIdentity, readKeptIdentity } from "./identity.ts";
import { type PemPair, parseKey, readPem } from "./pem.ts";

/**
 * The hub's identities on the disk. `present`: the configured files, or the pair that the hub renewed for itself, whichever
 * was issued later. `candidate`: a renewed pair that the broker has not accepted yet. Each step is durable when it
 * resolves, and one rename: whenever the power is cut, every file is whole and holds a certificate with its key. Steps
 * reject with a HubError of the outbox's codes where the disk does not take them.
 */
export interface IdentityStore {
  /** Throws HubError `certificate-unreadable` where neither is there and whole. Its time is not looked at. */
  present(): Promise<Identity>;
  candidate(): Promise<Identity | null>;
  keepCandidate(pair: PemPair): Promise<void>;
  /** The broker took the candidate: it is the present one from now on. */
  promote(): Promise<void>;
  /** The broker refuses the candidate. */
  dropCandidate(): Promise<void>;
  /** The key that a certificate is being asked for; kept, so that it is asked for the same one after a restart. */
  requestKey(): Promise<string | null>;
  keepRequestKey(key: string): Promise<void>;
}

const issuedAt = ({ parsed }: Identity): number => parsed.validFromDate.getTime();

export const createIdentityStore = (folder: string, configured: IdentityFiles): IdentityStore => {
  const [renewed, candidate, request] = ["renewed.pem", "candidate.pem", "request.key"].map((name) =>
    join(folder, name),
  ) as [string, string, string];

  const onDisk = async (doing: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (thrown) {
      throw fileFailure(`hub identity: ${doing}`, thrown);
    }
  };
  const write = (file: string, text: string): Promise<void> =>
    onDisk("write", async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await syncDirectory(dirname(folder));
      await replaceDurably(file, text);
    });
  const remove = (file: string): Promise<void> =>
    onDisk("remove", async () => {
      await rm(file, { force: true });
      await syncDirectory(folder);
    });

  return {
    present: async () => {
      const own = await readKeptIdentity(renewed);
      try {
        const given = await readIdentity(configured);
        return own === null || issuedAt(given) > issuedAt(own) ? given : own;
      } catch (thrown) {
        if (own === null || !isHubError(thrown, "certificate-unreadable")) throw thrown;
        return own;
      }
    },
    candidate: () => readKeptIdentity(candidate),
    keepCandidate: async (pair) => {
      await write(candidate, identityText(pair));
      await remove(request);
    },
    promote: () =>
      onDisk("rename", async () => {
        await rename(candidate, renewed);
        await syncDirectory(folder);
      }),
    dropCandidate: () => remove(candidate),
    requestKey: async () => {
      try {
        const key = await readPem("private key", request);
        parseKey(request, key);
        return key;
      } catch (thrown) {
        if (isHubError(thrown, "certificate-unreadable")) return null;
        throw thrown;
      }
    },
    keepRequestKey: (key) => write(request, key),
  };
};
