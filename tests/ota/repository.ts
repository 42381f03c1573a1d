import { createHash } from "node:crypto";
import { Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp } from "@tufjs/models";
import { createRoleKey, type RoleKey } from "./keys.ts";

/** Far enough that no run of these tests outlives it; what is to expire earlier says so. */
export const FAR = "2200-01-01T00:00:00Z";

export type TopRole = "root" | "timestamp" | "snapshot" | "targets";

interface RoleState {
  keys: RoleKey[];
  threshold: number;
  version: number;
  expires: string;
}

type Custom = Record<string, string | number | boolean | string[] | null>;

/**
 * A region's repository in memory, as it lies on a web server or a stick: `files` by path, such as
 * `metadata/2.root.json`. Roles are changed in `roles`, and published.
 */
export interface TestRepository {
  readonly files: Map<string, Buffer>;
  readonly roles: Record<TopRole, RoleState>;
  /** The root that the hub is set up with: the first. */
  readonly firstRoot: Buffer;
  addTarget(path: string, content: Buffer, custom?: Custom): void;
  /** List a target exactly so; its content is not published. */
  listTarget(target: TargetFile): void;
  /** Delegate `paths` to a role with a key of its own, in which `addDelegatedTarget` then lists. */
  delegate(role: string, paths: string[], expires?: string): void;
  addDelegatedTarget(role: string, path: string, content: Buffer): void;
  /** Sign the next version of root. */
  publishRoot(signers?: readonly RoleKey[]): void;
  /** Sign the next version of targets (and what is delegated), snapshot and timestamp. */
  publish(fields?: Record<string, string>): void;
  publishTimestamp(fields?: Record<string, string>): void;
  /** New keys for a role; the next root carries them. */
  rotate(role: TopRole, count?: number): void;
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export const createTestRepository = (keys: Partial<Record<TopRole, RoleKey[]>> = {}): TestRepository => {
  const files = new Map<string, Buffer>();
  const state = (role: TopRole): RoleState => ({
    keys: keys[role] ?? [createRoleKey()],
    threshold: 1,
    version: 0,
    expires: FAR,
  });
  const roles = {
    root: state("root"),
    timestamp: state("timestamp"),
    snapshot: state("snapshot"),
    targets: state("targets"),
  };
  const listed: Record<string, TargetFile> = {};
  const delegated = new Map<
    string,
    { key: RoleKey; paths: string[]; expires: string; version: number; listed: Record<string, TargetFile> }
  >();

  const signed = (metadata: Metadata<Root | Timestamp | Snapshot | Targets>, signers: readonly RoleKey[]): Buffer => {
    for (const signer of signers) metadata.sign((bytes) => signer.sign(bytes));
    return Buffer.from(JSON.stringify(metadata.toJSON()));
  };

  const store = (listing: Record<string, TargetFile>, path: string, content: Buffer, custom?: Custom): void => {
    const digest = sha256(content);
    const unrecognizedFields = custom === undefined ? {} : { custom };
    listing[path] = new TargetFile({ path, length: content.length, hashes: { sha256: digest }, unrecognizedFields });
    files.set(`targets/${path.replace(/[^/]*$/, (base) => `${digest}.${base}`)}`, content);
  };

  const publishRoot = (signers: readonly RoleKey[] = roles.root.keys): void => {
    roles.root.version += 1;
    const { version, expires } = roles.root;
    const root = new Root({ version, expires, specVersion: "1.0.31" });
    for (const [name, { keys: roleKeys, threshold }] of Object.entries(roles)) {
      for (const { key } of roleKeys) root.addKey(key, name);
      Object.assign(root.roles[name] ?? {}, { threshold });
    }
    files.set(`metadata/${version}.root.json`, signed(new Metadata(root), signers));
  };

  const publishTimestamp = (fields: Record<string, string> = {}): void => {
    roles.timestamp.version += 1;
    const { version, expires, keys: signers } = roles.timestamp;
    const timestamp = new Timestamp({
      version,
      expires,
      specVersion: "1.0.31",
      snapshotMeta: new MetaFile({ version: roles.snapshot.version }),
      unrecognizedFields: fields,
    });
    files.set("metadata/timestamp.json", signed(new Metadata(timestamp), signers));
  };

  const targetsNow = (): Targets => {
    const { version, expires } = roles.targets;
    const targets = new Targets({ version, expires, specVersion: "1.0.31", targets: listed });
    if (delegated.size === 0) return targets;
    const keysById = Object.fromEntries([...delegated.values()].map(({ key: { key } }) => [key.keyID, key.toJSON()]));
    const list = [...delegated].map(([name, { key, paths }]) => ({
      name,
      paths,
      keyids: [key.key.keyID],
      threshold: 1,
      terminating: false,
    }));
    return Targets.fromJSON({ ...targets.toJSON(), delegations: { keys: keysById, roles: list } });
  };

  const publish = (fields: Record<string, string> = {}): void => {
    const meta: Record<string, MetaFile> = {};
    for (const [name, role] of delegated) {
      role.version += 1;
      const part = new Targets({
        version: role.version,
        expires: role.expires,
        specVersion: "1.0.31",
        targets: role.listed,
      });
      files.set(`metadata/${role.version}.${name}.json`, signed(new Metadata(part), [role.key]));
      meta[`${name}.json`] = new MetaFile({ version: role.version });
    }
    roles.targets.version += 1;
    const { version } = roles.targets;
    files.set(`metadata/${version}.targets.json`, signed(new Metadata(targetsNow()), roles.targets.keys));
    meta["targets.json"] = new MetaFile({ version });
    roles.snapshot.version += 1;
    const snapshot = new Snapshot({
      version: roles.snapshot.version,
      expires: roles.snapshot.expires,
      specVersion: "1.0.31",
      meta,
    });
    files.set(`metadata/${roles.snapshot.version}.snapshot.json`, signed(new Metadata(snapshot), roles.snapshot.keys));
    publishTimestamp(fields);
  };

  publishRoot();
  publish();
  return {
    files,
    roles,
    firstRoot: files.get("metadata/1.root.json") ?? Buffer.alloc(0),
    addTarget: (path, content, custom) => store(listed, path, content, custom),
    listTarget: (target) => {
      listed[target.path] = target;
    },
    delegate: (role, paths, expires = FAR) => {
      delegated.set(role, { key: createRoleKey(), paths, expires, version: 0, listed: {} });
    },
    addDelegatedTarget: (role, path, content) => store(delegated.get(role)?.listed ?? {}, path, content),
    publishRoot,
    publish,
    publishTimestamp,
    rotate: (role, count = 1) => {
      roles[role].keys = Array.from({ length: count }, () => createRoleKey());
    },
  };
};

/** A metadata file of the repository, changed in place by `edit`; signatures stay as they were. */
export const tamper = (
  { files }: TestRepository,
  name: string,
  edit: (content: { signed: Record<string, unknown>; signatures: { keyid: string; sig: string }[] }) => void,
): void => {
  const content = JSON.parse((files.get(`metadata/${name}`) ?? Buffer.from("{}")).toString("utf8"));
  edit(content);
  files.set(`metadata/${name}`, Buffer.from(JSON.stringify(content)));
};
