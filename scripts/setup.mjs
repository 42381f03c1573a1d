// Makes a checkout runnable on a machine that has nothing but npm and some Node (20 or later): Debian packages where
// we are root, npm packages by the lock file, and the native parts. Plain JavaScript on purpose: it runs on the
// machine's own Node, before the pinned one is there.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "..");
const MODULES = path.join(ROOT, "node_modules");
const STAMP = path.join(MODULES, ".hemhub-ready");
export const PINNED = path.join(MODULES, "node", "bin", "node");
const LOG = path.join(ROOT, ".setup.log");

/** What compiling sqlite3 and node-pty takes: program to look for, Debian package that has it. */
const BUILD_PACKAGES = { make: "make", "g++": "g++", python3: "python3" };
/** What the whole test suite takes besides. Tests that miss one of these are reported as skipped by name. */
export const TEST_PACKAGES = {
  mosquitto: "mosquitto",
  btvirt: "bluez-test-tools",
  cc: "gcc",
  "dbus-daemon": "dbus",
  faketime: "faketime",
  // A guest whose kernel and BlueZ are the independent end of a bonded link (tests/guest).
  "qemu-system-x86_64": "qemu-system-x86",
  busybox: "busybox-static",
  bluetoothctl: "bluez",
  depmod: "kmod",
  // Homes and regions in network namespaces (tests/network).
  ip: "iproute2",
  nft: "nftables",
  // The form of release images (tests/ota).
  mksquashfs: "squashfs-tools",
  // A key on a token (tests/region).
  "softhsm2-util": "softhsm2",
  "pkcs11-tool": "opensc",
  // The unit of the service runs under it (tests/ota/systemd.test.ts).
  "systemd-notify": "systemd",
  // Updates of the whole operating system (tests/ota/rauc.test.ts), and who signs them.
  rauc: "rauc",
  openssl: "openssl",
  // A time source to ask (tests/time). Debian has it replace a timesyncd, so it is left out where one keeps the clock.
  ...(existsSync("/lib/systemd/systemd-timesyncd") ? {} : { chronyd: "chrony" }),
};

const say = (text) => process.stderr.write(`${text}\n`);
const isRoot = () => process.getuid?.() === 0;

const onPath = (program) =>
  `${process.env.PATH ?? ""}:/usr/sbin:/sbin`
    .split(":")
    .some((folder) => folder !== "" && existsSync(path.join(folder, program)));

/** Run a command with its output kept in .setup.log; a line every 20 s says that it is still at work. */
const run = (what, command, args, env = {}) =>
  new Promise((resolve, reject) => {
    const started = Date.now();
    const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
    say(`  ${what} ...`);
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (chunk) => {
      output = (output + chunk).slice(-200_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const alive = setInterval(() => say(`  ${what} ... still at work after ${seconds()}`), 20_000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(alive);
      writeFileSync(LOG, `$ ${command} ${args.join(" ")}\n${output}\n`, { flag: "a" });
      if (code === 0) {
        say(`  ${what}: done in ${seconds()}`);
        resolve();
      } else {
        const tail = output.trim().split("\n").slice(-12).join("\n    ");
        reject(new Error(`${what} failed (exit ${code}); the whole output is in .setup.log, its end:\n    ${tail}`));
      }
    });
  });

/** Install the Debian packages whose programs are missing. Returns the packages that stay missing. */
export const installDebian = async (packages) => {
  const wanted = Object.entries(packages).filter(([program]) => !onPath(program));
  const missing = [...new Set(wanted.map(([, name]) => name))];
  if (missing.length === 0) return [];
  if (!isRoot() || !onPath("apt-get")) return missing;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    await run("reading the list of Debian packages", "apt-get", ["update"], env);
    await run(
      `installing ${missing.join(", ")} from Debian`,
      "apt-get",
      ["install", "-y", "--no-install-recommends", ...missing],
      env,
    );
    return [];
  } catch (error) {
    say(`  ${error.message}`);
    return missing;
  }
};

const fingerprint = () =>
  createHash("sha256")
    .update(readFileSync(path.join(ROOT, "package-lock.json")))
    .update(`${approved()} ${process.platform} ${process.arch}`)
    .digest("hex");

const isReady = () => existsSync(STAMP) && readFileSync(STAMP, "utf8") === fingerprint();

/** Names of the packages whose install scripts are approved, from package.json (`allowScripts`), without versions. */
const approved = () =>
  Object.entries(JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")).allowScripts ?? {})
    .filter(([, allowed]) => allowed === true)
    .map(([name]) => name.replace(/(?<=.)@[^/]*$/, ""));

/** Node's own headers come with the pinned runtime, so that compiling downloads nothing. */
const headers = () => {
  const folder = path.join(MODULES, "node", "node_modules", `node-${process.platform}-${process.arch}`);
  return existsSync(path.join(folder, "include", "node", "node_api.h")) ? { npm_config_nodedir: folder } : {};
};

const installNpm = async () => {
  say("Setting up: npm packages by the lock file, then the native parts (some minutes, once).");
  const missing = await installDebian(BUILD_PACKAGES);
  if (missing.length > 0) {
    throw new Error(
      `compiling the native parts needs ${missing.join(", ")}: as root, run apt-get install ${missing.join(" ")}`,
    );
  }
  // Not `npm ci`: it refuses a lock file that lacks the optional builds for other systems (docs/decisions). This keeps to
  // the lock file's versions and integrity hashes all the same, and writes nothing back.
  await run("fetching npm packages", "npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]);
  const names = approved();
  if (names.includes("node")) await run("fetching Node 24", "npm", ["rebuild", "node"]);
  const pinnedFirst = { PATH: `${path.dirname(PINNED)}:${process.env.PATH}`, JOBS: "2", ...headers() };
  for (const name of names.filter((one) => one !== "node")) {
    const hint = name === "sqlite3" ? " (compiles SQLite, about two minutes)" : "";
    await run(`building ${name}${hint}`, "npm", ["rebuild", name], pinnedFirst);
  }
  execFileSync(PINNED, ["-e", "require('sqlite3'); require('node-pty')"], { cwd: ROOT });
  writeFileSync(STAMP, fingerprint());
};

/**
 * Install what is missing; quick when nothing is. `debian` are packages wanted besides (program -> package); those that
 * cannot be installed are returned, not an error.
 */
export const setUp = async ({ debian = {} } = {}) => {
  if (!isReady()) await installNpm();
  return installDebian(debian);
};

/** Run the pinned Node with `args` in place of this process: same terminal, same signals, same exit code. */
export const runPinned = (args, options = {}) =>
  new Promise((resolve) => {
    const child = spawn(PINNED, args, {
      cwd: options.cwd ?? process.cwd(),
      stdio: "inherit",
      env: pinnedEnv(options.env),
    });
    const forward = (signal) => child.kill(signal);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward);
    child.on("close", (code, signal) => {
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(name, forward);
      resolve(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });

/** The environment for children: the pinned Node and the project's own tools first on the path. */
export const pinnedEnv = (more = {}) => ({
  ...process.env,
  ...more,
  PATH: `${path.join(MODULES, ".bin")}:${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
});

/** The error of a failed step as one sentence, exit code 1. */
export const orExplain = async (work) => {
  try {
    return await work();
  } catch (error) {
    say(`hemhub set-up: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
};
