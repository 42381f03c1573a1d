// Debian's kernel for the guest of tests/guest, unpacked into .guest/ of the checkout and not installed. Only what the
// guest boots with is taken: 30 MB of 400.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./setup.mjs";

export const GUEST_KERNEL = path.join(ROOT, ".guest");

const WANTED = [
  "./boot/vmlinuz-*",
  "./lib/modules/*/modules.*",
  ...["net", "crypto", "lib", "arch/x86/crypto", "drivers/bluetooth", "drivers/virtio", "drivers/char"].map(
    (folder) => `./lib/modules/*/kernel/${folder}/*`,
  ),
];

const output = (command, args, cwd = ROOT) =>
  execFileSync(command, args, { cwd, encoding: "utf8", maxBuffer: 2 ** 24 });

/** Null when it is there; else why not, as a sentence. */
export const unpackGuestKernel = () => {
  if (existsSync(GUEST_KERNEL)) return null;
  if (process.arch !== "x64" || !existsSync("/usr/bin/apt-get")) return "no Debian kernel for a guest on this machine";
  const draft = `${GUEST_KERNEL}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  try {
    const name = /Depends: (linux-image-\S+)/.exec(output("apt-cache", ["depends", "linux-image-amd64"]))?.[1];
    if (name === undefined) return "Debian's list of packages has no linux-image-amd64";
    process.stderr.write(`  unpacking ${name} for the guest ...\n`);
    output("apt-get", ["download", name], draft);
    const deb = readdirSync(draft).find((file) => file.endsWith(".deb"));
    if (deb === undefined) return `${name} was not downloaded`;
    const take = 'deb=$1; shift; dpkg-deb --fsys-tarfile "$deb" | tar -x --wildcards "$@"';
    output("bash", ["-o", "pipefail", "-c", take, "take", deb, ...WANTED], draft);
    rmSync(path.join(draft, deb));
    renameSync(draft, GUEST_KERNEL);
    return null;
  } catch (error) {
    return `the kernel for a guest cannot be had: ${String(error.message).split("\n")[0]}`;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
};
