import { execFile, spawn } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { until } from "../support/until.ts";
import { type Entry, initramfs } from "./initramfs.ts";

/**
 * A virtual machine with Debian's kernel and BlueZ as a peripheral: the Security Manager of the Linux kernel, with LE
 * Secure Connections, on a controller of btvirt. Works without hardware virtualisation, in about half a minute.
 */
export interface BluezGuest extends AsyncDisposable {
  /** Everything on its console so far, without escape sequences. */
  readonly screen: string;
  /** A line to bluetoothctl, and wait for what it shows after it. */
  say(line: string, shows: string | RegExp): Promise<void>;
}

const QEMU = "/usr/bin/qemu-system-x86_64";
const BUSYBOX = "/bin/busybox";
const PROGRAMS = [
  "/usr/bin/dbus-daemon",
  "/usr/libexec/bluetooth/bluetoothd",
  "/usr/bin/btattach",
  "/usr/bin/bluetoothctl",
] as const;
/** In this order; what they need in turn comes with them. drbg: without random numbers the kernel's ECDH fails its own test. */
const MODULES = [
  "virtio_pci",
  "virtio_console",
  "jitterentropy_rng",
  "drbg",
  "hmac",
  "cmac",
  "ecb",
  "ecdh_generic",
  "bluetooth",
  "hci_uart",
] as const;
const BOOT_DEADLINE_MS = 120_000;
const ANSWER_DEADLINE_MS = 30_000;

/** Where `npm test` unpacks Debian's kernel package. */
const UNPACKED = path.join(import.meta.dirname, "..", "..", ".guest");

/** Where a kernel is: unpacked, or `/` where the package is installed. */
const kernelFolder = (): string => (existsSync(UNPACKED) ? UNPACKED : "/");

const kernelOf = (folder: string): { readonly image: string; readonly version: string } | null => {
  const image = globSync(path.join(folder, "boot/vmlinuz-*-amd64")).at(-1);
  if (image === undefined) return null;
  const version = path.basename(image).slice("vmlinuz-".length);
  const hasModules = existsSync(path.join(folder, "lib/modules", version, "kernel/net/bluetooth/bluetooth.ko"));
  return hasModules ? { image, version } : null;
};

/** Why the guest cannot be had here, and how to get it; null where it can. */
export const guestMissing = (): string | null => {
  const absent = [QEMU, BUSYBOX, ...PROGRAMS].filter((file) => !existsSync(file));
  if (absent.length > 0) {
    return `${absent.join(", ")}: install the Debian packages qemu-system-x86, busybox-static, bluez, dbus, kmod`;
  }
  if (kernelOf(kernelFolder()) !== null) return null;
  return `no Debian kernel in ${kernelFolder()}: npm test unpacks one where it is root on Debian, amd64`;
};

const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/>
<allow send_type="method_call"/><allow send_type="signal"/><allow send_type="method_return"/><allow send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="signal"/><allow receive_type="method_return"/>
<allow receive_type="error"/></policy></busconfig>`;

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin:/usr/libexec/bluetooth HOME=/root TERM=dumb
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
ln -s /run /var/run
for module in /modules/*; do insmod $module; done
ip link set lo up
dbus-daemon --config-file=/etc/bus.conf --nopidfile --fork
until [ -e /dev/hvc0 ]; do sleep 0.1; done
btattach -B /dev/hvc0 -P h4 -N > /tmp/btattach 2>&1 &
bluetoothd -n > /tmp/bluetoothd 2>&1 &
until [ -e /sys/class/bluetooth/hci0 ]; do sleep 0.2; done
sleep 1
bluetoothctl --agent NoInputNoOutput
cat /tmp/bluetoothd /tmp/btattach
`;

const run = promisify(execFile);

/** A program with the libraries that it is linked to. */
const withLibraries = async (program: string): Promise<readonly string[]> => {
  const { stdout } = await run("ldd", [program]);
  return [program, ...(stdout.match(/\/\S+/g) ?? [])];
};

const modulesOf = async (folder: string, version: string, scratch: string): Promise<readonly Entry[]> => {
  const kernel = path.join(folder, "lib/modules", version);
  // depmod wants to write; modprobe wants its index.
  const base = path.join(scratch, "modules");
  await run("mkdir", ["-p", path.join(base, "lib/modules", version)]);
  await run("ln", ["-s", path.join(kernel, "kernel"), path.join(base, "lib/modules", version, "kernel")]);
  for (const list of ["modules.order", "modules.builtin"]) {
    await writeFile(path.join(base, "lib/modules", version, list), await readFile(path.join(kernel, list)));
  }
  await run("/usr/sbin/depmod", ["-b", base, version]);
  const files: string[] = [];
  for (const module of MODULES) {
    const { stdout } = await run("/usr/sbin/modprobe", ["-d", base, "-S", version, "--show-depends", module]);
    for (const [, file] of stdout.matchAll(/^insmod (\S+)/gm)) if (file !== undefined) files.push(file);
  }
  return Promise.all(
    [...new Set(files)].map(async (file, i) => ({
      path: `modules/${String(i).padStart(2, "0")}-${path.basename(file)}`,
      bytes: await readFile(file),
      executable: false,
    })),
  );
};

const text = (file: string, content: string, executable = false): Entry => ({
  path: file,
  bytes: Buffer.from(content),
  executable,
});

const buildInitramfs = async (folder: string, version: string, scratch: string): Promise<string> => {
  const files = [...new Set((await Promise.all(PROGRAMS.map(withLibraries))).flat())];
  const programs = await Promise.all(
    files.map(async (file) => ({
      path: file.slice(1),
      bytes: await readFile(await realpath(file)),
      executable: true,
    })),
  );
  const folders = ["proc", "sys", "dev", "run/dbus", "tmp", "root", "var/lib/bluetooth", "var/lib/dbus"];
  const archive = path.join(scratch, "initramfs");
  const entries: readonly Entry[] = [
    ...folders.map((one): Entry => ({ path: one, folder: true })),
    text("init", INIT, true),
    text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    text("etc/group", "root:x:0:\n"),
    text("etc/bus.conf", BUS),
    { path: "bin/busybox", bytes: await readFile(BUSYBOX), executable: true },
    ...programs,
    ...(await modulesOf(folder, version, scratch)),
  ];
  await writeFile(archive, initramfs(entries));
  return archive;
};

/** Start the guest on one controller of a btvirt. Resolves when bluetoothctl answers. */
export const startBluezGuest = async (server: string): Promise<BluezGuest> => {
  const kernel = kernelOf(kernelFolder());
  if (kernel === null) throw new Error(guestMissing() ?? "no kernel");
  const scratch = await mkdtemp(path.join(tmpdir(), "hemhub-guest-"));
  const archive = await buildInitramfs(kernelFolder(), kernel.version, scratch);
  const machine = ["-M", "pc", "-m", "256", "-nographic", "-nodefaults", "-no-reboot"];
  const boot = ["-kernel", kernel.image, "-initrd", archive, "-append", "console=ttyS0 quiet panic=-1"];
  const lines = ["-serial", "stdio", "-chardev", `socket,path=${server},id=bt`];
  const controller = ["-device", "virtio-serial", "-device", "virtconsole,chardev=bt"];
  const child = spawn(QEMU, [...machine, ...boot, ...lines, ...controller], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let screen = "";
  child.stdout.on("data", (chunk: Buffer) => {
    // Colours and cursor movements of readline.
    screen = stripVTControlCharacters(screen + chunk.toString("latin1")).replaceAll(/[^\n\P{Cc}]/gu, "");
  });
  const seen = async (what: string | RegExp, from: number, deadline: number): Promise<void> => {
    const isThere = (): boolean => {
      const shown = screen.slice(from);
      return typeof what === "string" ? shown.includes(what) : what.test(shown);
    };
    await until(isThere, `the guest shows ${what}`, deadline).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}; it shows: ${screen.slice(-1500)}`);
    });
  };
  const dispose = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
    await rm(scratch, { recursive: true });
  };
  try {
    await seen("Agent registered", 0, BOOT_DEADLINE_MS);
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
  return {
    get screen() {
      return screen;
    },
    say: async (line, shows) => {
      const from = screen.length;
      child.stdin.write(`${line}\n`);
      await seen(shows, from, ANSWER_DEADLINE_MS);
    },
    [Symbol.asyncDispose]: dispose,
  };
};
