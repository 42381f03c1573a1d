import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Metadata, MetadataKind, type Root, type Snapshot, type Targets, type Timestamp } from "@tufjs/models";
import type { Signer } from "../../../region/release/signer.ts";
import type { TestRegion } from "../update-bench.ts";

type Role = "root" | "timestamp" | "snapshot" | "targets";

interface Content {
  // Whatever a forger writes: checked by nobody but the hub.
  readonly signed: Record<string, unknown>;
  signatures: { keyid: string; sig: string }[];
}

/** Name of the newest file of a role in a region's repository. */
export const newestOf = async ({ folder }: TestRegion, role: Role): Promise<string> => {
  if (role === "timestamp") return "timestamp.json";
  const names = await readdir(join(folder, "metadata"));
  const versions = names.flatMap((name) => Number(new RegExp(`^(\\d+)\\.${role}\\.json$`).exec(name)?.[1] ?? []));
  return `${Math.max(...versions)}.${role}.json`;
};

/** Change what a region serves for a role, and give back how to undo it. Signatures stay as they were. */
export const alter = async (
  region: TestRegion,
  role: Role,
  edit: (content: Content) => void,
): Promise<() => Promise<void>> => {
  const file = join(region.folder, "metadata", await newestOf(region, role));
  const before = await readFile(file, "utf8");
  const content = JSON.parse(before) as Content;
  edit(content);
  await writeFile(file, JSON.stringify(content));
  return () => writeFile(file, before);
};

const KINDS = {
  root: (json: never): Metadata<Root> => Metadata.fromJSON(MetadataKind.Root, json),
  timestamp: (json: never): Metadata<Timestamp> => Metadata.fromJSON(MetadataKind.Timestamp, json),
  snapshot: (json: never): Metadata<Snapshot> => Metadata.fromJSON(MetadataKind.Snapshot, json),
  targets: (json: never): Metadata<Targets> => Metadata.fromJSON(MetadataKind.Targets, json),
};

/** `content` signed anew by these keys. */
const signedBy = (role: Role, content: Content, signers: readonly Signer[]): Content => {
  const metadata = KINDS[role]({ ...content, signatures: [] } as never);
  for (const { sign } of signers) metadata.sign(sign);
  return metadata.toJSON() as unknown as Content;
};

/** As `alter`, and signed by the region's own keys, as by a thief of them or by a region's mistake. */
export const resign = (
  region: TestRegion,
  role: Role,
  edit: (signed: Content["signed"]) => void,
): Promise<() => Promise<void>> =>
  alter(region, role, (content) => {
    edit(content.signed);
    content.signatures = signedBy(role, content, region.signers).signatures;
  });
