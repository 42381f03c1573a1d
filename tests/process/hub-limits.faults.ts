import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MOST_CRASHES } from "../../gateway/health/start-counter.ts";
import { seconds } from "../../protocol/time.ts";
import { NOTHING_LOST } from "../home/real-home.ts";
import { type Requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { openHubAtHome } from "./hub-at-home.ts";

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-hub-limits-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const SPOT = ["scale", "cuff", "thermometer", "spot-oximeter"];
const A_MINUTE = 100_000;
const never = new AbortController().signal;
const pidOf = (pid: number | null): number => {
  if (pid === null) throw new Error("there is no hub process");
  return pid;
};

describe("F55: a hub that may open no more files", () => {
  it("lives, goes on storing, says so, and has its link again when files are free", async () => {
    await using hub = await openHubAtHome(place);
    const { home } = hub;
    await hub.store(4, SPOT);
    const pid = pidOf(home.hub.pid);
    const limit = (count: number): Buffer => execFileSync("prlimit", ["--pid", String(pid), `--nofile=${count}:`]);
    limit(readdirSync(`/proc/${pid}/fd`).length);
    await home.setNetwork("cut");
    await hub.store(4, SPOT);
    await until(() => hub.told().includes("files are open in the hub"), "the hub says it", A_MINUTE);
    await home.setNetwork("up");
    await hub.store(4, SPOT);
    limit(1024);
    const summary = await home.finish(seconds(120), never);
    expect(summary).toMatchObject({ ...NOTHING_LOST, hubStarts: 1 });
    expect(hub.regionEvents().map(({ code }) => code)).toContain("hub-fault");
  }, 600_000);
});

const GROUPS = "/sys/fs/cgroup/memory";

const memoryGroups = (): Requirement => {
  const reason = `memory groups cannot be made in ${GROUPS}: run as root where they are mounted (cgroup v1)`;
  const probe = join(GROUPS, `hemhub-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    const isGroup = existsSync(join(probe, "memory.limit_in_bytes"));
    rmdirSync(probe);
    return isGroup ? { available: true, reason: null } : { available: false, reason };
  } catch {
    return { available: false, reason };
  }
};

const groups = memoryGroups();
const KILLS = 4;

describe.skipIf(!groups.available)(titled("F54: a hub that the kernel kills for want of memory", groups), () => {
  it("loses nothing and doubles nothing, however often it happens", async () => {
    const group = join(GROUPS, `hemhub-${process.pid}`);
    mkdirSync(group);
    const set = (name: string, value: number): void => writeFileSync(join(group, name), String(value));
    const used = (): number => Number(readFileSync(join(group, "memory.usage_in_bytes"), "latin1"));
    const NO_LIMIT = -1;
    try {
      {
        const intoGroup = ["/bin/sh", "-c", `echo $$ > ${group}/cgroup.procs && exec "$@"`, "sh"];
        await using hub = await openHubAtHome(place, intoGroup);
        const { home } = hub;
        home.use("oximeter");
        for (let kill = 0; kill < KILLS; kill += 1) {
          await hub.store(2, SPOT);
          const { starts } = home.hub;
          // As little as it can do with: the next page that it asks for is one too many.
          for (let room = 0; room < 64; room += 1) {
            try {
              set("memory.limit_in_bytes", used() + room * 64 * 1024);
              break;
            } catch {
              // The kernel could not free enough to get below it.
            }
          }
          for (const sensor of SPOT) home.use(sensor);
          await until(() => home.hub.starts > starts || !home.hub.ready, "the kernel kills the hub", A_MINUTE);
          set("memory.limit_in_bytes", NO_LIMIT);
          await home.hub.whenReady(AbortSignal.timeout(A_MINUTE));
        }
        const summary = await home.finish(seconds(120), never);
        process.stdout.write(
          `${JSON.stringify({ fault: "F54", kills: KILLS, taken: summary.taken, lost: summary.lost })}\n`,
        );
        expect(summary).toMatchObject(NOTHING_LOST);
        expect(summary.hubStarts).toBeGreaterThan(KILLS);
      }
    } finally {
      await until(() => readFileSync(join(group, "cgroup.procs"), "latin1") === "", "the group is empty").catch(
        () => 0,
      );
      rmdirSync(group);
    }
  }, 600_000);
});

describe("F54: a hub that crashes again and again", () => {
  it("reads no sensor after five crashes that came to nothing, and still answers, sends, and tells the region", async () => {
    await using hub = await openHubAtHome(place);
    const { home } = hub;
    await home.setNetwork("cut");
    await hub.store(4, SPOT);
    // The life that stored readings counts as none of them.
    for (let crash = 0; crash <= MOST_CRASHES; crash += 1) {
      await home.hub.whenReady(AbortSignal.timeout(A_MINUTE));
      expect((await hub.status()).sensors.configured).toBe(home.sensors.length);
      await home.hub.kill();
    }
    await home.hub.whenReady(AbortSignal.timeout(A_MINUTE));
    expect((await hub.status()).sensors.ready).toBe(0);
    expect((await hub.status()).outbox.waiting).toBeGreaterThanOrEqual(4);
    await home.setNetwork("up");
    await until(async () => (await hub.status()).outbox.waiting === 0, "the backlog is sent", A_MINUTE);
    const alarm = (): boolean =>
      hub.regionEvents().some(({ code, detail }) => code === "hub-fault" && detail.state === "safe-mode");
    await until(alarm, "the region has the alarm", A_MINUTE);
    expect(await home.hub.stop()).toBe(0);
  }, 600_000);
});
