import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openDbus } from "../../drivers/ble/bluez/dbus.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import { createRaucBackend } from "../../ota/rauc/rauc-backend.ts";
import type { OpenRaucBus } from "../../ota/rauc/rauc-bus.ts";
import type { InstallProgress } from "../../ota/rauc/rauc-service.ts";
import { isSlip } from "../../ota/rauc/rauc-word.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import type { ReleasePart } from "../../ota/update/update-state.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type DbusDaemon, startDbusDaemon } from "../radio/dbus-daemon.ts";
import { type Requirement, requirement } from "../support/requirements.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { mountable } from "./mountable.ts";
import { type BootLoader, createBootLoader } from "./rauc-boot-loader.ts";

const run = promisify(execFile);
const COMPATIBLE = "hemhub-test";
/** Of a slot, in bytes. */
const SLOT_SIZE = 256 * 1024;
const NAMES = { A: "rootfs.0", B: "rootfs.1" } as const;
const FILES = { A: "slot-a.img", B: "slot-b.img" } as const;

/** Whether RAUC can install here: its own checks mount the bundle. */
export const raucReady = (): Requirement => {
  for (const name of ["rauc", "openssl", "dbus-daemon"] as const) {
    const found = requirement(name);
    if (!found.available) return found;
  }
  return mountable();
};

/** Who may sign bundles. */
export interface BundleSigner {
  readonly certificate: string;
  readonly key: string;
}

/** A key for CMS signatures (RFC 5652) with a certificate for code signing, made by openssl. */
export const createBundleSigner = async (place: string, name: string): Promise<BundleSigner> => {
  const [certificate, key] = [join(place, `${name}.cert.pem`), join(place, `${name}.key.pem`)];
  const usage = ["-addext", "extendedKeyUsage=codeSigning", "-addext", "keyUsage=digitalSignature"];
  const made = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "30",
    "-subj",
    `/CN=${name}`,
  ];
  await run("openssl", ["req", "-x509", ...made, ...usage, "-keyout", key, "-out", certificate]);
  return { certificate, key };
};

export interface BundleContent {
  readonly name: string;
  readonly compatible?: string;
  /** Of the image, in bytes. */
  readonly size?: number;
}

/** While the gate exists, an installation stands still when the slot is written and RAUC has not noted it yet. */
const gateIn = (place: string): { readonly gate: string; readonly waiting: string } => ({
  gate: join(place, "gate"),
  waiting: join(place, "waiting"),
});

/** Make a bundle whose image begins with its name, in a line. It is installed in the machine at `place`. */
export const makeBundle = async (place: string, signer: BundleSigner, content: BundleContent): Promise<string> => {
  const { name, compatible = COMPATIBLE, size = 64 * 1024 } = content;
  const folder = join(place, `content of ${name}`);
  await mkdir(folder);
  const image = Buffer.concat([Buffer.from(`${name}\n`), randomBytes(size - name.length - 1)]);
  await writeFile(join(folder, "rootfs.img"), image);
  const { gate, waiting } = gateIn(place);
  const hook = `#!/bin/sh\ntouch '${waiting}'\nwhile test -e '${gate}'; do sleep 0.02; done\n`;
  await writeFile(join(folder, "hook"), hook, { mode: 0o755 });
  const manifest = [
    "[update]",
    `compatible=${compatible}`,
    `version=${name}`,
    "[bundle]",
    "format=plain",
    "[hooks]",
    "filename=hook",
  ];
  await writeFile(
    join(folder, "manifest.raucm"),
    `${[...manifest, "[image.rootfs]", "filename=rootfs.img", "hooks=post-install"].join("\n")}\n`,
  );
  const bundle = join(place, `${name}.raucb`);
  await run("rauc", ["--cert", signer.certificate, "--key", signer.key, "bundle", folder, bundle]);
  return bundle;
};

export const partOf = async (bundle: string): Promise<ReleasePart> => {
  const octets = await readFile(bundle);
  const image = createHash("sha256").update(octets).digest("hex") as ImageHash;
  const whole = { path: "releases/bundle", length: octets.length, hashes: [], location: "", custom: null };
  return { image, imageLength: octets.length, whole, patch: null };
};

export interface MachineSettings {
  readonly files?: UpdateFiles;
  readonly logger?: Logger;
  readonly onProgress?: (progress: InstallProgress) => void;
  /** Puts something between the hub and the bus. */
  readonly through?: (open: OpenRaucBus) => OpenRaucBus;
}

/** A machine with two slots, a boot loader that counts, and the real RAUC as its service. */
export interface RaucMachine extends AsyncDisposable {
  readonly place: string;
  /** The hub's folder, which both systems use. */
  readonly folder: string;
  readonly signer: BundleSigner;
  /** Letter of the slot that runs. */
  readonly booted: () => "A" | "B";
  /** First line of a slot: the name of what lies there. */
  nameIn(slot: "A" | "B"): Promise<string>;
  deviceOf(slot: "A" | "B"): string;
  /** A bundle of this content, and where the hub has downloaded it. */
  download(bundle: string): Promise<string>;
  make(content: BundleContent, signer?: BundleSigner): Promise<{ readonly part: ReleasePart; readonly bundle: string }>;
  /** Off and on: the boot loader chooses. */
  reboot(): Promise<void>;
  /** As it left the factory. */
  reset(): Promise<void>;
  /** End RAUC's service as a cut of the power does: without a farewell. */
  killRauc(): Promise<void>;
  startRauc(): Promise<void>;
  /** Ask RAUC's own tool, as a technician does. */
  rauc(...args: string[]): Promise<string>;
  /** From now on an installation stands still when the slot is written and RAUC has not noted it yet. */
  hold(): Promise<void>;
  /** Resolves when an installation has come there. */
  held(): Promise<void>;
  release(): Promise<void>;
  /** A hub's process. */
  backend(settings?: MachineSettings): UpdateBackend;
}

export interface MachineOptions {
  /** Further lines of the section `[system]`. */
  readonly system?: readonly string[];
  /** In place of a file: the device of slot B. */
  readonly deviceB?: string;
}

export const createRaucMachine = async (options: MachineOptions = {}): Promise<RaucMachine> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-rauc-"));
  const folder = join(place, "hub");
  const signer = await createBundleSigner(place, "signer");
  const loader: BootLoader = await createBootLoader(join(place, "boot"));
  const bus: DbusDaemon = await startDbusDaemon();
  const conf = join(place, "system.conf");
  const { gate, waiting } = gateIn(place);
  const device = { A: join(place, FILES.A), B: options.deviceB ?? join(place, FILES.B) };
  const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: bus.address };
  let booted: "A" | "B" = "A";
  let boots = 0;
  let service: { readonly child: ChildProcess; readonly gone: Promise<unknown>; said: string } | null = null;

  const status = join(place, "status");
  /** A hub that was never updated. */
  const furnish = async (): Promise<void> => {
    await rm(status, { force: true });
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    for (const slot of ["A", "B"] as const) {
      if (slot === "B" && options.deviceB !== undefined) continue;
      await writeFile(device[slot], slot === "A" ? "factory\n" : "\n");
      await truncate(device[slot], SLOT_SIZE);
    }
    await loader.reset();
  };
  await furnish();
  const system = options.system ?? ["activate-installed=false"];
  const section = (name: string, ...lines: readonly string[]): string => `[${name}]\n${lines.join("\n")}\n`;
  const slotSection = (slot: "A" | "B"): string =>
    section(`slot.${NAMES[slot]}`, `device=${device[slot]}`, "type=raw", `bootname=${slot}`);
  const mounts = `mountprefix=${join(place, "mnt")}`;
  const base = [`compatible=${COMPATIBLE}`, "bootloader=custom", `statusfile=${status}`, mounts];
  await writeFile(
    conf,
    section("system", ...base, ...system) +
      section("keyring", `path=${signer.certificate}`, "check-purpose=codesign") +
      section("handlers", `bootloader-custom-backend=${loader.script}`) +
      slotSection("A") +
      slotSection("B"),
  );
  await mkdir(join(place, "mnt"));

  const rauc = (...args: string[]): Promise<string> =>
    until(
      () =>
        run("rauc", ["-c", conf, ...args], { env }).then(
          ({ stdout }) => `${stdout}\n`,
          (thrown: unknown) => {
            // RAUC fails where a loop device of another test goes while it looks (ota/rauc/rauc-word.ts).
            if (isSlip(String(thrown))) return null;
            throw thrown;
          },
        ),
      "RAUC's own tool does it",
    );

  const asking = openDbus(bus.address, { signal: () => undefined, asked: () => null, lost: () => undefined });
  const hasService = async (): Promise<boolean> => {
    const call = { destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", iface: "org.freedesktop.DBus" };
    const name = { signature: "s", body: ["de.pengutronix.rauc"] };
    return (await asking.call({ ...call, member: "NameHasOwner", ...name })).body[0] === true;
  };

  const startRauc = async (): Promise<void> => {
    const child = spawn("rauc", ["-c", conf, "service", `--override-boot-slot=${booted}`], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
      // A process group of its own, which is ended as a whole.
      detached: true,
    });
    const started = { child, gone: once(child, "exit"), said: "" };
    child.stderr.on("data", (chunk: Buffer) => {
      started.said = (started.said + chunk.toString()).slice(-4_000);
    });
    service = started;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`RAUC has ended: ${started.said}`);
      return hasService();
    }, "RAUC answers");
  };

  /** RAUC, the hooks that it runs, and what it has mounted: with the power, all of it goes. */
  const stopRauc = async (signal: NodeJS.Signals): Promise<void> => {
    const { child, gone } = service ?? {};
    if (child?.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
    await gone;
    service = null;
    const mounted = join(place, "mnt", "bundle");
    if ((await readFile("/proc/self/mounts", "utf8")).includes(` ${mounted} `))
      await run("umount", ["--lazy", mounted]);
  };

  const machine: RaucMachine = {
    place,
    folder,
    signer,
    booted: () => booted,
    deviceOf: (slot) => device[slot],
    nameIn: async (slot) => {
      await using handle = await open(device[slot], "r");
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
      return buffer.subarray(0, bytesRead).toString("latin1").split("\n", 1)[0] ?? "";
    },
    make: async (content, by = signer) => {
      const bundle = await makeBundle(place, by, content);
      return { part: await partOf(bundle), bundle };
    },
    download: async (bundle) => {
      await mkdir(join(folder, "downloads"), { recursive: true });
      const to = join(folder, "downloads", "bundle");
      await copyFile(bundle, to);
      return to;
    },
    rauc,
    startRauc,
    killRauc: () => stopRauc("SIGKILL"),
    reset: async () => {
      await stopRauc("SIGTERM");
      await furnish();
      await machine.reboot();
    },
    reboot: async () => {
      await stopRauc("SIGTERM");
      booted = (await loader.boot()) === "A" ? "A" : "B";
      boots += 1;
      await startRauc();
    },
    hold: async () => {
      await rm(waiting, { force: true });
      await writeFile(gate, "");
    },
    held: async () => {
      await until(() => readFile(waiting).catch(() => null), "an installation has begun");
    },
    release: () => rm(gate, { force: true }),
    backend: (settings = {}) => {
      const open: OpenRaucBus = (listener) => openDbus(bus.address, listener);
      return createRaucBackend({
        files: settings.files ?? createDiskFiles(),
        clock: createSystemClock(),
        logger: settings.logger ?? silentLogger,
        folder,
        bootId: `boot ${boots}`,
        openBus: settings.through?.(open) ?? open,
        onProgress: settings.onProgress ?? (() => undefined),
      });
    },
    [Symbol.asyncDispose]: async () => {
      await machine.release();
      await stopRauc("SIGTERM");
      asking.close();
      await bus[Symbol.asyncDispose]();
      await rm(place, { recursive: true, force: true });
    },
  };
  await asking.ready;
  await startRauc();
  return machine;
};
