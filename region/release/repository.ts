import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
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
import { replaceDurably } from "../files/replace-durably.ts";
import type { BuiltTarget } from "./build.ts";
import { signersOf } from "./role-signers.ts";
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
  /** Names of those who can still sign where signatures are missing; empty where none is. */
  readonly unsigned: readonly string[];
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
  /** List what is listed once more with another counter, under `to`: old content that hubs take as something new. */
  recount(listed: string, counter: number, to: string): Promise<void>;
  /** Draft the next version of a role with the same content: what is signed holds for LIFE_DAYS only. */
  renew(role: OfflineRole): Promise<void>;
  /** Take targets off the list. Their files stay until nobody asks for them. */
  withdraw(paths: readonly string[]): Promise<void>;
  sign(role: OfflineRole, signer: Signer): Promise<Draft>;
  drafts(): Promise<readonly Draft[]>;
  /** Put signed drafts in place, and sign what is online about them. Throws where signatures are missing. */
  publish(online: Signer): Promise<void>;
  /** Sign what is online again, as it is published: also while drafts still wait for signatures. */
  refresh(online: Signer): Promise<void>;
}

type Role = OfflineRole | "snapshot" | "timestamp";

/** Where a target's file lies below `targets`: with its digest before its name (TUF specification 6.2.3). */
const fileOf = (target: string, digest: string): string => target.replace(/[^/]*$/, (base) => `${digest}.${base}`);

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
    await replaceDurably(draftOf("targets"), jsonOf(new Metadata(targets)));
  };

  const draftState = async (role: OfflineRole): Promise<Draft | null> => {
    const draft = role === "root" ? await draftRoot() : await draftTargets();
    if (draft === null) return null;
    const own = signersOf((await rootInForce()).signed, role, draft);
    // A new root must satisfy the old one as well (TUF specification 5.3.4): the worse of the two counts.
    const old = role === "root" ? (await publishedRoot())?.signed : undefined;
    const before = old === undefined ? own : signersOf(old, "root", draft);
    return {
      role,
      version: draft.signed.version,
      signatures: Math.min(own.signatures, own.threshold - (before.threshold - before.signatures)),
      threshold: own.threshold,
      unsigned: [...new Set([...own.unsigned, ...before.unsigned])],
    };
  };

  const drafts = async (): Promise<readonly Draft[]> =>
    (await Promise.all([draftState("root"), draftState("targets")])).flatMap((draft) => draft ?? []);

  const install = async ({ role, version }: Draft): Promise<void> => {
    await replaceDurably(path.join(metadata, `${version}.${role}.json`), await readFile(draftOf(role), "utf8"));
    await rm(draftOf(role));
  };

  const signOnline = async (online: Signer): Promise<void> => {
    const root = await publishedRoot();
    if (root === null) throw new Error(`release publish: ${folder} has no published root yet; sign root and publish`);
    if (!root.signed.roles.timestamp?.keyIDs.includes(online.key.keyID)) {
      throw new Error(`release publish: the key given is no online key of root ${root.signed.version}; use that one`);
    }
    const targetsVersion = await newest("targets");
    const snapshot = new Snapshot({
      version: (await newest("snapshot")) + 1,
      expires: inDays(LIFE_DAYS.snapshot, now()),
      specVersion: SPEC_VERSION,
      meta: { "targets.json": new MetaFile({ version: targetsVersion }) },
    });
    const signedSnapshot = new Metadata(snapshot);
    signedSnapshot.sign(online.sign);
    await replaceDurably(path.join(metadata, `${snapshot.version}.snapshot.json`), jsonOf(signedSnapshot));
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
    await replaceDurably(path.join(metadata, "timestamp.json"), jsonOf(signedTimestamp));
  };

  const repository: ReleaseRepository = {
    initialise: async (trust) => {
      if ((await newest("root")) > 0) throw new Error(`release init: ${folder} is a repository already`);
      await replaceDurably(draftOf("root"), jsonOf(new Metadata(rootOf(trust, 1, now()))));
      await editTargets(() => undefined);
    },
    changeTrust: async (trust) => {
      const version = (await newest("root")) + 1;
      await replaceDurably(draftOf("root"), jsonOf(new Metadata(rootOf(trust, version, now()))));
    },
    add: async (targets) => {
      const made: [string, TargetFile][] = [];
      for (const { path: name, file, custom } of targets) {
        const content = await readFile(file);
        const digest = createHash("sha256").update(content).digest("hex");
        const to = path.join(folder, "targets", fileOf(name, digest));
        await mkdir(path.dirname(to), { recursive: true });
        await copyFile(file, to);
        const listed = { length: content.length, hashes: { sha256: digest }, custom };
        made.push([name, TargetFile.fromJSON(name, listed as Parameters<typeof TargetFile.fromJSON>[1])]);
      }
      await editTargets((listed) => Object.assign(listed, Object.fromEntries(made)));
    },
    recount: async (listed, counter, to) => {
      const all = ((await draftTargets()) ?? (await publishedTargets()))?.signed.targets ?? {};
      const found = all[listed];
      const custom = found?.custom;
      if (found === undefined || typeof custom?.counter !== "number") {
        throw new Error(`release recount: ${listed} is not listed as a release; release status names those that are`);
      }
      const highest = Math.max(...Object.values(all).map(({ custom: of }) => Number(of?.counter ?? 0)));
      if (!Number.isSafeInteger(counter) || counter <= highest) {
        throw new Error(`release recount: counter ${counter} is not above ${highest}, and hubs refuse what is older`);
      }
      if (all[to] !== undefined) throw new Error(`release recount: ${to} is listed already; choose another path`);
      const file = path.join(folder, "targets", fileOf(listed, found.hashes.sha256 ?? ""));
      await repository.add([{ path: to, file, custom: { ...custom, counter } }]);
    },
    renew: async (role) => {
      if (role === "targets") return await editTargets(() => undefined);
      const { signed } = await rootInForce();
      const { keys, roles } = signed;
      const kept = (name: Role): RoleKeys => ({
        keys: (roles[name]?.keyIDs ?? []).flatMap((id) => keys[id] ?? []),
        threshold: roles[name]?.threshold ?? 1,
      });
      await repository.changeTrust({ root: kept("root"), targets: kept("targets"), online: kept("timestamp") });
    },
    withdraw: (paths) =>
      editTargets((listed) => {
        for (const name of paths) delete listed[name];
      }),
    sign: async (role, signer) => {
      const draft = role === "root" ? await draftRoot() : await draftTargets();
      if (draft === null) throw new Error(`release sign: there is no draft of ${role} to sign`);
      draft.sign(signer.sign);
      await replaceDurably(draftOf(role), jsonOf(draft));
      const state = await draftState(role);
      if (state === null) throw new Error(`release sign: the draft of ${role} is gone`);
      return state;
    },
    drafts,
    publish: async (online) => {
      const waiting = await drafts();
      for (const { role, version, signatures, threshold, unsigned } of waiting) {
        if (signatures >= threshold) continue;
        throw new Error(
          `release publish: ${role} ${version} has ${signatures} of ${threshold} signatures; sign it first: ${unsigned.join(", ")}`,
        );
      }
      for (const draft of waiting) await install(draft);
      await signOnline(online);
    },
    refresh: signOnline,
  };
  return repository;
};
