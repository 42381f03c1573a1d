import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pathOf, requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { createSupervisedPlace, isAlive, READY, release, type SupervisedPlace, WELL } from "./supervised.ts";

let place: SupervisedPlace;
beforeEach(async () => {
  place = await createSupervisedPlace();
});
afterEach(() => place[Symbol.asyncDispose]());

const NODE = `"${process.execPath}"`;

/** What a release may do in its trial, and the word that is left of it. */
const BROKEN: readonly (readonly [what: string, script: string, word: string])[] = [
  ["never becomes ready", "exec sleep 1000", "no-ready"],
  ["stops after it was ready", `${READY}\nkill -STOP $$`, "hung"],
  ["turns for ever after it was ready", `${READY}\nwhile :; do :; done`, "hung"],
  ["heeds no signal", `trap '' TERM USR1 INT\n${READY}\nwhile :; do sleep 0.1; done`, "hung"],
  ["crashes at once", "exit 70", "crashed"],
  [
    "leaks until its runtime gives up",
    `exec ${NODE} --max-old-space-size=8 -e 'for (const a = [];;) a.push({})'`,
    "crashed",
  ],
  // As the kernel does where memory runs out.
  ["is killed", "kill -KILL $$", "killed"],
];

/** Shells, and whether the programs that the scripts use are busybox's too. */
const SHELLS = [
  ["dash", requirement("dash"), [pathOf("dash") ?? ""], false],
  ["busybox", requirement("busybox"), [pathOf("busybox") ?? "", "ash"], true],
] as const;

describe.each(SHELLS)("the supervisor, in %s", (_name, needed, shell, isAll) => {
  let applets: Readonly<Record<string, string>> = {};
  beforeAll(async () => {
    if (!isAll || !needed.available) return;
    const PATH = await mkdtemp(join(tmpdir(), "hemhub-applets-"));
    execFileSync(pathOf("busybox") ?? "", ["--install", "-s", PATH]);
    applets = { PATH };
  });
  afterAll(async () => {
    if (applets.PATH !== undefined) await rm(applets.PATH, { recursive: true });
  });

  describe.skipIf(!needed.available)(titled("which is there", needed), () => {
    it.concurrent.each(BROKEN)("F48: takes back a release that %s, after three tries", async (what, script, word) => {
      await using own = await createSupervisedPlace();
      const proven = await own.inForce("proven", WELL);
      const broken = await own.onTrial(what, release(script));
      // Ready late is what the first is about; the others have time for it, whatever else the machine does.
      const supervised = own.start(shell, { ...applets, HEMHUB_READY_MS: word === "no-ready" ? "700" : "10000" });
      const { pid } = await supervised.runs("current");
      const starts = supervised.starts().slice(0, 4);
      expect(starts.map(({ slot, try: count }) => `${slot} ${count}`)).toEqual([
        "trial 1",
        "trial 2",
        "trial 3",
        "current 0",
      ]);
      expect(starts.slice(0, 3).filter((one) => isAlive(one.pid))).toEqual([]);
      expect(await own.slots.read()).toMatchObject({
        current: proven,
        trial: null,
        lastFailed: { release: broken, reason: word },
      });
      expect(await supervised.stop()).toBe(0);
      expect(isAlive(pid)).toBe(false);
    });

    it("passes SIGTERM on, waits for the hub, and ends as it does", async () => {
      const supervised = place.start(shell, applets);
      const { pid } = await supervised.runs("base");
      expect(await supervised.stop()).toBe(0);
      expect(isAlive(pid)).toBe(false);
      expect(supervised.said()).toBe("");
    });

    it("kills a hub that does not stop in time, once it is told to", async () => {
      await place.inForce("deaf", release(`trap '' TERM\n${READY}\nwhile :; do sleep 0.05; done`));
      const supervised = place.start(shell, { ...applets, HEMHUB_ALIVE_MS: "600000" });
      const { pid } = await supervised.runs("current");
      expect(await supervised.stop()).toBe(137);
      expect(isAlive(pid)).toBe(false);
    });

    it("starts a hub that ends at once again and again, with pauses that grow to a bound, and can be stopped", async () => {
      await place.inForce("ends", release("exit 3"));
      const supervised = place.start(shell, applets);
      await until(() => supervised.starts().length >= 6, "six starts");
      const pauses = [...supervised.said().matchAll(/again in (\d+) ms/g)].map(([, pause]) => Number(pause));
      expect(pauses.slice(0, 5)).toEqual([20, 40, 80, 100, 100]);
      await supervised.stop();
      const { length } = supervised.starts();
      expect(length).toBeGreaterThan(5);
      expect(supervised.starts().filter(({ pid }) => isAlive(pid))).toEqual([]);
    });

    it("stops at once in a pause between two starts", async () => {
      await place.inForce("ends", release("exit 3"));
      const supervised = place.start(shell, { ...applets, HEMHUB_PAUSE_MS: "600000" });
      await until(() => supervised.said().includes("again in"), "it pauses");
      expect(await supervised.stop()).toBe(3);
    });

    it("that is killed takes the hub with it, so that the next one does not start a second", async () => {
      const supervised = place.start(shell, applets);
      const { pid } = await supervised.runs("base");
      supervised.child.kill("SIGKILL");
      await until(() => !isAlive(pid), "the hub is stopped");
    });

    it("starts a hub again that hung, and forgets the word for it where nothing is on trial", async () => {
      const supervised = place.start(shell, applets);
      const first = await supervised.runs("base");
      process.kill(first.pid, "SIGSTOP");
      await until(() => supervised.starts().length === 2, "it is started again");
      const second = await supervised.runs("base");
      expect(second.pid).not.toBe(first.pid);
      expect(isAlive(first.pid)).toBe(false);
      expect(supervised.said()).toContain("the hub ended (hung)");
      expect(existsSync(join(place.run, "ended"))).toBe(false);
    });

    it("says how it is used", async () => {
      const supervised = place.start([...shell, "-c", 'exec "$1"', "sh"], applets);
      expect(await supervised.ended()).toBe(64);
      expect(supervised.said()).toMatch(/use: hemhub-supervise/);
    });
  });
});
