import { createHash } from "node:crypto";

/** One package of the lock file (package-lock.json, lockfileVersion 3). */
export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  /** The package's own name, where it is installed under another. */
  readonly name?: string;
}

export type LockedPackages = Readonly<Record<string, LockedPackage>>;

const NAMES = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" } as const;

/** Subresource Integrity (W3C) to CycloneDX. */
const hashesOf = (integrity: string | undefined): readonly { alg: string; content: string }[] =>
  (integrity ?? "").split(" ").flatMap((one) => {
    const [algorithm = "", digest = ""] = one.split("-", 2);
    const alg = Object.entries(NAMES).find(([name]) => name === algorithm)?.[1];
    return alg === undefined ? [] : [{ alg, content: Buffer.from(digest, "base64").toString("hex") }];
  });

const nameAt = (folder: string, locked: LockedPackage): string =>
  locked.name ?? folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);

/** package-url specification, type npm: the scope's `@` is encoded. */
const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;

/** A UUID (RFC 9562 version 8) of the content: the same release has the same bill, octet by octet. */
const serialOf = (content: string): string => {
  const hex = createHash("sha256").update(content).digest("hex");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/**
 * The software bill of materials of a release, CycloneDX 1.6 JSON: `folders` are the packages that are in it
 * (`node_modules/mqtt`), as the lock file knows them, and the runtime. Throws where the lock file does not know one.
 */
export const billOfMaterials = (
  release: { readonly name: string; readonly version: string; readonly runtime: string },
  folders: readonly string[],
  locked: LockedPackages,
): string => {
  const components = folders.toSorted().map((folder) => {
    const found = locked[folder];
    if (found?.version === undefined) throw new Error(`release build: ${folder} is not in package-lock.json`);
    const name = nameAt(folder, found);
    return {
      type: "library",
      "bom-ref": folder,
      name,
      version: found.version,
      purl: purlOf(name, found.version),
      ...(found.license === undefined ? {} : { licenses: [{ expression: found.license }] }),
      hashes: hashesOf(found.integrity),
    };
  });
  const runtime = {
    type: "platform",
    "bom-ref": "runtime",
    name: "node",
    version: release.runtime,
    purl: `pkg:generic/node@${release.runtime}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${release.runtime}:*:*:*:*:*:*:*`,
  };
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { type: "application", "bom-ref": "release", name: release.name, version: release.version },
    },
    components: [...components, runtime],
    dependencies: [{ ref: "release", dependsOn: [...folders.toSorted(), "runtime"] }],
  };
  const { bomFormat, specVersion, ...rest } = bill;
  const serialNumber = serialOf(JSON.stringify(bill));
  return `${JSON.stringify({ bomFormat, specVersion, serialNumber, ...rest }, null, 2)}\n`;
};
