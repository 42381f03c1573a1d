import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/** A role as hubs get it now. */
export interface PublishedRole {
  readonly role: "root" | "targets" | "snapshot" | "timestamp";
  readonly version: number;
  /** ISO 8601 UTC: hubs take nothing new from then on. */
  readonly expires: string;
}

/** A target of the newest published list, and what is signed about it. */
export interface PublishedTarget {
  readonly path: string;
  readonly custom: Readonly<Record<string, unknown>>;
}

export interface Published {
  readonly roles: readonly PublishedRole[];
  readonly targets: readonly PublishedTarget[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a repository's folder offers to hubs, as any publishing tool has put it there; empty before the first time. */
export const readPublished = async (repository: string): Promise<Published> => {
  const folder = path.join(repository, "metadata");
  const names = await readdir(folder).catch(() => [] as string[]);

  const newestOf = (role: string): string | null => {
    const versions = names.flatMap((name) => new RegExp(`^(\\d+)\\.${role}\\.json$`).exec(name)?.[1] ?? []).map(Number);
    return versions.length === 0 ? null : `${Math.max(...versions)}.${role}.json`;
  };
  const signedIn = async (name: string | null): Promise<Readonly<Record<string, unknown>> | null> => {
    if (name === null || !names.includes(name)) return null;
    const { signed } = JSON.parse(await readFile(path.join(folder, name), "utf8")) as { readonly signed?: unknown };
    return isRecord(signed) ? signed : null;
  };

  const roles: PublishedRole[] = [];
  for (const role of ["root", "targets", "snapshot", "timestamp"] as const) {
    const signed = await signedIn(role === "timestamp" ? "timestamp.json" : newestOf(role));
    if (signed !== null) roles.push({ role, version: Number(signed.version), expires: String(signed.expires) });
  }
  const list = await signedIn(newestOf("targets"));
  const targets = Object.entries(isRecord(list?.targets) ? list.targets : {}).map(([target, entry]) => ({
    path: target,
    custom: isRecord(entry) && isRecord(entry.custom) ? entry.custom : {},
  }));
  return { roles, targets };
};
