import { execFileSync } from "node:child_process";
import { existsSync, lstatSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { launcherReason } from "../../ota/images/launcher-reason.ts";
import { createSlots, type ImageHash, type Slots } from "../../ota/slots/slots.ts";
import { addUnpacked, launch, writeRelease } from "./launcher.ts";

const LAUNCHER = fileURLToPath(new URL("../../packaging/launch/hemhub-launch", import.meta.url));

let place = "";
let home = "";
let run = "";
let base = "";
let slots: Slots;
let trial: ImageHash;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-ended-"));
  [home, run, base] = [join(place, "releases"), join(place, "run"), join(place, "base")];
  await mkdir(join(home, "images"), { recursive: true });
  await writeRelease(base, "base");
  slots = createSlots(createDiskFiles(), home);
  trial = await addUnpacked(join(home, "images"), "trial");
  await slots.activate(trial);
});
afterEach(() => rm(place, { recursive: true, force: true }));

const start = async (): Promise<string> => {
  const launched = await launch(home, { base, run });
  return launched.tag === "started" ? launched.started.slot : launched.said;
};
const ended = (env: Readonly<Record<string, string>>, ...word: string[]): void => {
  execFileSync(LAUNCHER, ["ended", home, ...word], {
    env: { PATH: process.env.PATH, HEMHUB_RUN: run, HEMHUB_REBOOT: `touch ${join(place, "restarted")}`, ...env },
  });
};
const reason = async (): Promise<string | undefined> => (await slots.read()).lastFailed?.reason;

/** $SERVICE_RESULT and $EXIT_STATUS of systemd.exec(5), and what is said of a release whose tries all end so. */
const ENDS = [
  ["timeout", "KILL", "no-ready"],
  ["watchdog", "KILL", "hung"],
  ["oom-kill", "KILL", "killed"],
  ["signal", "KILL", "killed"],
  ["signal", "SEGV", "crashed"],
  ["core-dump", "ABRT", "crashed"],
  ["exit-code", "70", "crashed"],
  // In order: told to stop, or to be started again.
  ["success", "0", "tries"],
  ["exit-code", "10", "tries"],
  ["exit-code", "11", "tries"],
  ["signal", "TERM", "tries"],
] as const;

it("has the machine restart where the hub asks for it, and for nothing else", () => {
  ended({ SERVICE_RESULT: "exit-code", EXIT_STATUS: "10" });
  ended({ SERVICE_RESULT: "signal", EXIT_STATUS: "SEGV" });
  ended({ EXIT_STATUS: "11" });
  expect(existsSync(join(place, "restarted"))).toBe(false);
  ended({ SERVICE_RESULT: "exit-code", EXIT_STATUS: "11" });
  expect(existsSync(join(place, "restarted"))).toBe(true);
});

it.each(ENDS)("F48: says of a trial that systemd ended with %s and %s: %s", async (result, status, word) => {
  for (let n = 0; n < 3; n += 1) {
    expect(await start()).toBe("trial");
    ended({ SERVICE_RESULT: result, EXIT_STATUS: status });
  }
  expect(await start()).toBe("base");
  expect(await reason()).toBe(word);
  expect(launcherReason(word, "trial").code).toBe(word);
});

it("forgets how a start ended when the next begins: a cut of the power leaves no word", async () => {
  for (let n = 0; n < 2; n += 1) {
    await start();
    ended({}, "crashed");
  }
  // The third try, and the power goes.
  expect(await start()).toBe("trial");
  expect(await start()).toBe("base");
  expect(await reason()).toBe("tries");
});

it("does not blame a release on trial for how another one ended", async () => {
  await slots.takeBack(trial, "self-test");
  expect(await start()).toBe("base");
  ended({}, "crashed");
  await slots.activate(await addUnpacked(join(home, "images"), "another"));
  await writeFile(join(home, "tries"), "3\n");
  expect(await start()).toBe("base");
  expect(await reason()).toBe("tries");
});

it("says nothing where nothing was ever started", () => {
  ended({}, "crashed");
  expect(existsSync(join(run, "ended"))).toBe(false);
});

it("F49: tells nothing of a file that the hub's user has laid a link to", async () => {
  const secret = join(place, "secret");
  await writeFile(secret, "root:$6$salt\n");
  await rm(join(home, "trial"));
  await symlink(secret, join(home, "trial"));
  expect(await start()).toBe("base");
  expect(existsSync(join(home, "last-failed"))).toBe(false);
});

it("F49: writes as root through no link that the hub's user has laid in its folder", async () => {
  const precious = join(place, "precious");
  await writeFile(precious, "of root\n");
  await symlink(precious, join(home, "tries.new"));
  expect(await start()).toBe("trial");
  expect(await readFile(precious, "latin1")).toBe("of root\n");
  expect(await readFile(join(home, "tries"), "latin1")).toBe("1\n");
  expect(lstatSync(join(home, "tries")).isSymbolicLink()).toBe(false);
});
