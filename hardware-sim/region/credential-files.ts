import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CertificateAuthority } from "./certificates.ts";

/** Common name of the region's own client, which may read and write below every hub's id. */
export const REGION_NAME = "region";

/** Paths of what was written; what a broker, the region's client and one hub need. */
export interface CredentialFiles {
  readonly folder: string;
  readonly ca: string;
  readonly server: { readonly certificate: string; readonly key: string };
  readonly region: { readonly certificate: string; readonly key: string };
  readonly hub: { readonly certificate: string; readonly key: string };
}

/** Write one PEM file that only its owner can read, even if a file of that name was there before. */
export const writePem = async (path: string, pem: string): Promise<string> => {
  await writeFile(path, pem, { mode: 0o600 });
  await chmod(path, 0o600);
  return path;
};

/** Issue and write server, region and hub credentials below `folder` (made 0700 where it is absent; files 0600). */
export const writeCredentials = async (
  authority: CertificateAuthority,
  folder: string,
  hub: string,
): Promise<CredentialFiles> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const pair = async (name: string, made: Promise<{ certificate: string; key: string }>) => {
    const { certificate, key } = await made;
    return {
      certificate: await writePem(join(folder, `${name}.crt`), certificate),
      key: await writePem(join(folder, `${name}.key`), key),
    };
  };
  return {
    folder,
    ca: await writePem(join(folder, "ca.pem"), authority.certificate),
    server: await pair("server", authority.server()),
    region: await pair("region", authority.client(REGION_NAME)),
    hub: await pair("hub", authority.client(hub)),
  };
};
