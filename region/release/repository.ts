import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  type Key,
  Metadata,
  MetadataKind,
  MetaFile,
  Root,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from "@tufjs/models";
import type { BuiltTarget } from "./build.ts";
import type { Signer } from "./signer.ts";

/** Role that people sign, offline. */
export type OfflineRole = "root" | "targets";

/** How long what is signed holds, in days: what is offline must outlast a holiday, what is online a power failure. */
export const LIFE_DAYS = { root: 365, targets: 120, snapshot: 14, timestamp: 3 } as const;

const SPEC_VERSION = "1.0.31";

export interface RoleKeys {
  readonly keys: readonly Key[];
  readonly threshold: number;
}

export interface TrustSettings {
  readonly root: RoleKeys;
  readonly targets: RoleKeys;
  /** Signs snapshot and timestamp. */
  readonly online: RoleKeys;
}

/** What still has to be signed before it can be published. */
export interface Draft {
  readonly role: OfflineRole;
  readonly version: number;
  readonly signatures: number;
  readonly threshold: number;
}

/**
 * A region's signed repository in a folder: `metadata` and `targets` are what a web server or CDN serves as they are,
 * `draft` is what waits for signatures. For tests and small regions; a large one uses tuf-on-ci.
 */
export interface ReleaseRepository {
  /** Set up an empty repository. Root and targets are drafts until they are signed. */
  initialise(trust: TrustSettings): Promise<void>;
  /** Other keys for the next root. The draft takes signatures of the old root's threshold and of its own. */
  changeTrust(trust: TrustSettings): Promise<void>;
  /** List targets in the next version of the signed list, beside those that are listed. */
  add(targets: readonly BuiltTarget[]): Promise<void>;
  /** Take targets off the list. Their files stay until nobody asks for them. */
  withdraw(paths: readonly string[]): Promise<void>;
  sign(role: OfflineRole, signer: Signer): Promise<Draft>;
  drafts(): Promise<readonly Draft[]>;
  /** Put signed drafts in place, and sign what is online about them. Throws where signatures are missing. */
  publish(online: Signer): Promise<void>;
}

type Role = OfflineRole | "snapshot" | "timestamp";

const inDays = (days: number, now: Date): string =>
  `${new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 19)}Z`;

const jsonOf = (metadata: Metadata<Root | Targets | Snapshot | Timestamp>): string =>
  `${JSON.stringify(metadata.toJSON(), null, 1)}\n`;

const rootOf = ({ root, targets, online }: TrustSettings, version: number, now: Date): Root => {
  const made = new Root({
    version,
    expires: inDays(LIFE_DAYS.root, now),
    specVersion: SPEC_VERSION,
    consistentSnapshot: true,
  });
  const roles = { root, targets, snapshot: online, timestamp: online };
  for (const [name, { keys, threshold }] of Object.entries(roles)) {
    for (const key of keys) made.addKey(key, name);
    Object.assign(made.roles[name] ?? {}, { threshold });
  }
  return made;
};

/** `now` says when things are signed: a test's clock, or `() => new Date()`. */
export const openReleaseRepository = (folder: string, now: () => Date): ReleaseRepository => {
  const metadata = path.join(folder, "metadata");
  const draftOf = (role: OfflineRole): string => path.join(folder, "draft", `${role}.json`);

  const replace = async (file: string, text: string): Promise<void> => {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };

  const readJson = async (file: string): Promise<ReturnType<typeof JSON.parse> | null> => {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    return text === null ? null : JSON.parse(text);
  };

  const newest = async (role: Exclude<Role, "timestamp">): Promise<number> => {
    const names = await readdir(metadata).catch(() => [] as string[]);
    const versions = names.flatMap((name) => {
      const match = new RegExp(`^(\\d+)\\.${role}\\.json$`).exec(name);
      return match === null ? [] : [Number(match[1])];
    });
    return Math.max(0, ...versions);
  };

  const publishedRoot = async (): Promise<Metadata<Root> | null> => {
    const json = await readJson(path.join(metadata, `${await newest("root")}.root.json`));
    return json === null ? null : Metadata.fromJSON(MetadataKind.Root, json);
  };
  const draftRoot = async (): Promise<Metadata<Root> | null> => {
    const json = await readJson(draftOf("root"));
    return json === null ? null : Metadata.fromJSON(MetadataKind.Root, json);
  };
  const draftTargets = async (): Promise<Metadata<Targets> | null> => {
    const json = await readJson(draftOf("targets"));
    return json === null ? null : Metadata.fromJSON(MetadataKind.Targets, json);
  };
  const publishedTargets = async (): Promise<Metadata<Targets> | null> => {
    const json = await readJson(path.join(metadata, `${await newest("targets")}.targets.json`));
    return json === null ? null : Metadata.fromJSON(MetadataKind.Targets, json);
  };

  const rootInForce = async (): Promise<Metadata<Root>> => {
    const root = (await draftRoot()) ?? (await publishedRoot());
    if (root === null) throw new Error(`release: ${folder} is no repository yet; run release init first`);
    return root;
  };

  const editTargets = async (edit: (listed: Record<string, TargetFile>) => void): Promise<void> => {
    const base = (await draftTargets()) ?? (await publishedTargets());
    const listed = { ...base?.signed.targets };
    edit(listed);
    const version = (await newest("targets")) + 1;
    const targets = new Targets({
      version,
      expires: inDays(LIFE_DAYS.targets, now()),
      specVersion: SPEC_VERSION,
      targets: listed,
    });
    await replace(draftOf("targets"), jsonOf(new Metadata(targets)));
  };

  /** Signatures that count, by the keys and threshold that a root gives a role. */
  const counted = (root: Root, role: Role, signed: Metadata<Root | Targets>): Draft["signatures"] => {
    const keys = root.roles[role]?.keyIDs ?? [];
    return keys.filter((id) => {
      const key = root.keys[id];
      if (key === undefined || signed.signatures[id] === undefined) return false;
      try {
        key.verifySignature(signed);
        return true;
      } catch {
        return false;
      }
    }).length;
  };

  const draftState = async (role: OfflineRole): Promise<Draft | null> => {
    const draft = role === "root" ? await draftRoot() : await draftTargets();
    if (draft === null) return null;
    const root = (await rootInForce()).signed;
    const before = role === "root" ? (await publishedRoot())?.signed : undefined;
    const threshold = root.roles[role]?.threshold ?? 1;
    const signatures = counted(root, role, draft);
    // A new root must satisfy the old one as well (TUF specification 5.3.4): the worse of the two counts.
    const missingBefore =
      before === undefined ? 0 : (before.roles.root?.threshold ?? 1) - counted(before, "root", draft);
    return {
      role,
      version: draft.signed.version,
      signatures: Math.min(signatures, threshold - missingBefore),
      threshold,
    };
  };

  const drafts = async (): Promise<readonly Draft[]> =>
    (await Promise.all([draftState("root"), draftState("targets")])).flatMap((draft) => draft ?? []);

  const install = async (role: OfflineRole): Promise<void> => {
    const draft = await draftState(role);
    if (draft === null) return;
    const { version, signatures, threshold } = draft;
    if (signatures < threshold) {
      throw new Error(
        `release publish: ${role} ${version} has ${signatures} of ${threshold} signatures; sign it first`,
      );
    }
    await replace(path.join(metadata, `${version}.${role}.json`), await readFile(draftOf(role), "utf8"));
    await rm(draftOf(role));
  };

  const signOnline = async (online: Signer): Promise<void> => {
    const targetsVersion = await newest("targets");
    const snapshot = new Snapshot({
      version: (await newest("snapshot")) + 1,
      expires: inDays(LIFE_DAYS.snapshot, now()),
      specVersion: SPEC_VERSION,
      meta: { "targets.json": new MetaFile({ version: targetsVersion }) },
    });
    const signedSnapshot = new Metadata(snapshot);
    signedSnapshot.sign(online.sign);
    await replace(path.join(metadata, `${snapshot.version}.snapshot.json`), jsonOf(signedSnapshot));
    const before = await readJson(path.join(metadata, "timestamp.json"));
    const timestamp = new Timestamp({
      version: (before?.signed.version ?? 0) + 1,
      expires: inDays(LIFE_DAYS.timestamp, now()),
      specVersion: SPEC_VERSION,
      snapshotMeta: new MetaFile({ version: snapshot.version }),
      // When it was signed: hubs without a clock know that it is not earlier (docs/decisions, update-trust).
      unrecognizedFields: { "x-hemhub-signed-at": now().toISOString() },
    });
    const signedTimestamp = new Metadata(timestamp);
    signedTimestamp.sign(online.sign);
    await replace(path.join(metadata, "timestamp.json"), jsonOf(signedTimestamp));
  };

  return {
    initialise: async (trust) => {
      if ((await newest("root")) > 0) throw new Error(`release init: ${folder} is a repository already`);
      await replace(draftOf("root"), jsonOf(new Metadata(rootOf(trust, 1, now()))));
      await editTargets(() => undefined);
    },
    changeTrust: async (trust) => {
      const version = (await newest("root")) + 1;
      await replace(draftOf("root"), jsonOf(new Metadata(rootOf(trust, version, now()))));
    },
    add: async (targets) => {
      const made: [string, TargetFile][] = [];
      for (const { path: name, file, custom } of targets) {
        const content = await readFile(file);
        const digest = createHash("sha256").update(content).digest("hex");
        const to = path.join(
          folder,
          "targets",
          name.replace(/[^/]*$/, (base) => `${digest}.${base}`),
        );
        await mkdir(path.dirname(to), { recursive: true });
        await copyFile(file, to);
        const listed = { length: content.length, hashes: { sha256: digest }, custom };
        made.push([name, TargetFile.fromJSON(name, listed as Parameters<typeof TargetFile.fromJSON>[1])]);
      }
      await editTargets((listed) => Object.assign(listed, Object.fromEntries(made)));
    },
    withdraw: (paths) =>
      editTargets((listed) => {
        for (const name of paths) delete listed[name];
      }),
    sign: async (role, signer) => {
      const draft = role === "root" ? await draftRoot() : await draftTargets();
      if (draft === null) throw new Error(`release sign: there is no draft of ${role} to sign`);
      draft.sign(signer.sign);
      await replace(draftOf(role), jsonOf(draft));
      const state = await draftState(role);
      if (state === null) throw new Error(`release sign: the draft of ${role} is gone`);
      return state;
    },
    drafts,
    publish: async (online) => {
      await install("root");
      await install("targets");
      await signOnline(online);
    },
  };
};
