import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createSlots, type Slots } from "../../ota/slots/slots.ts";
import { messageOf } from "../../protocol/errors.ts";
import { pathOf, type Requirement, requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const PACKAGING = fileURLToPath(new URL("../../packaging", import.meta.url));
const MACHINE = fileURLToPath(new URL("systemd-machine.sh", import.meta.url));
const BOOT = ["--system", "--unit=multi-user.target", "--show-status=false"];

/** What a package installs. */
const INSTALLED = {
  "systemd/hemhub.service": "usr/lib/systemd/system/hemhub.service",
  "systemd/hemhub.sysusers.conf": "usr/lib/sysusers.d/hemhub.conf",
  "systemd/hemhub.tmpfiles.conf": "usr/lib/tmpfiles.d/hemhub.conf",
  "launch/hemhub-launch": "usr/lib/hemhub/hemhub-launch",
} as const;

/** What is changed about the unit here, as a line of its drop-in, and why. */
export type Change = readonly [line: string, why: string];

export interface MachineSettings {
  readonly changes: readonly Change[];
  /** Text of the program of the release that the hub was installed with. */
  readonly base: string;
  /** Text of further files, by their path in the machine. */
  readonly files?: Readonly<Record<string, string>>;
  /** What of this machine is mounted where, read-only. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Lays out what is in /var/lib/hemhub before the machine starts. */
  readonly prepare?: (state: string) => Promise<void>;
}

/** A booted machine with the packaged hub in it. */
export interface SystemdMachine extends AsyncDisposable {
  /** /var/lib/hemhub, as seen from here. */
  readonly state: string;
  readonly slots: Slots;
  /** Lines that releases left in `starts` of their state. */
  starts(): readonly string[];
  /** Run a program in the machine, as root; resolves with its output. */
  inside(program: string, ...args: readonly string[]): Promise<string>;
  /** A property of the unit, by systemctl. */
  property(name: string): Promise<string>;
  /** What the hub and the launcher wrote. */
  said(): string;
}

export const slotsIn = (state: string): Slots => createSlots(createDiskFiles(), join(state, "releases"));

const write = async (file: string, text: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
};

/** Lay out the folder that systemd-machine.sh reads. */
const lay = async (place: string, settings: MachineSettings): Promise<void> => {
  const { changes, base, files = {}, mounts = {}, prepare } = settings;
  const at = (path: string): string => join(place, "install", path);
  for (const [from, to] of Object.entries(INSTALLED)) {
    await mkdir(dirname(at(to)), { recursive: true });
    await copyFile(join(PACKAGING, from), at(to));
  }
  for (const [path, text] of Object.entries(files)) await write(at(path), text);
  await write(at("usr/lib/hemhub/base/hemhub"), base);
  await chmod(at("usr/lib/hemhub/base/hemhub"), 0o755);
  const lines = changes.map(([line, why]) => `# ${why}\n${line}\n`);
  await write(at("etc/systemd/system/hemhub.service.d/test.conf"), `[Service]\n${lines.join("")}`);
  await write(
    join(place, "mounts"),
    Object.entries(mounts)
      .map(([what, where]) => `${what}\n${where}\n`)
      .join(""),
  );
  const state = join(place, "state", "hemhub");
  await mkdir(join(state, "releases", "images"), { recursive: true });
  await prepare?.(state);
};

const argumentsOf = (place: string, ...program: readonly string[]): readonly string[] => [
  "-m",
  "sh",
  MACHINE,
  place,
  ...program,
];

export const bootMachine = async (settings: MachineSettings): Promise<SystemdMachine> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-machine-"));
  await lay(place, settings);
  const process = spawn("unshare", argumentsOf(place, pathOf("systemd") ?? "", ...BOOT), {
    stdio: ["pipe", "ignore", "pipe"],
    // Ctrl-C is for this process: the machine then ends with its input, and in order.
    detached: true,
  });
  let complaints = "";
  process.stderr.on("data", (text) => {
    complaints += text;
  });
  const ended = new Promise<number | null>((resolve) => process.once("exit", resolve));
  const state = join(place, "state", "hemhub");
  const log = join(place, "state", "hub.log");

  const inside: SystemdMachine["inside"] = async (program, ...args) => {
    const pid = (await readFile(join(place, "pid"), "latin1")).trim();
    const { stdout } = await run("nsenter", ["-a", "-t", pid, program, ...args]);
    return stdout;
  };
  const end = async (): Promise<number | null> => {
    process.stdin.end();
    const code = await ended;
    await rm(place, { recursive: true, force: true });
    return code;
  };
  const machine: SystemdMachine = {
    state,
    slots: slotsIn(state),
    starts: () => {
      const file = join(state, "starts");
      return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
    },
    inside,
    property: async (name) => (await inside("systemctl", "show", "--value", `--property=${name}`, "hemhub")).trim(),
    said: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
    [Symbol.asyncDispose]: async () => {
      if ((await end()) !== 0) throw new Error(`the machine did not end: ${complaints}`);
    },
  };
  const hasEnded = (): boolean => process.exitCode !== null;
  const isUp = async () => hasEnded() || (await inside("systemctl", "is-active", "basic.target").catch(() => null));
  try {
    await until(isUp, "systemd is up");
    if (!hasEnded()) return machine;
  } catch {
    // What it complained of says more.
  }
  await end();
  throw new Error(`the machine did not start: ${complaints.trim()}`);
};

/** Whether a machine starts here, found out by doing so, without the hub. */
export const bootable = async (): Promise<Requirement> => {
  for (const name of ["systemd", "systemd-notify"] as const) {
    const found = requirement(name);
    if (!found.available) return found;
  }
  try {
    await using _ = await bootMachine({ changes: [["ExecCondition=/bin/false", "only a try"]], base: "" });
    return { available: true, reason: null };
  } catch (thrown) {
    const needs = "run as root, where namespaces, an overlay and cgroup2 can be mounted";
    return { available: false, reason: `systemd cannot be process 1 in namespaces: ${needs} (${messageOf(thrown)})` };
  }
};
