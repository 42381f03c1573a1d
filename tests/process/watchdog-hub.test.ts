import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { seconds } from "../../protocol/time.ts";
import { NOTHING_LOST, openRealHome, type RealHome } from "../home/real-home.ts";
import { QUICK, SUPERVISOR } from "../ota/supervised.ts";
import { type Bundled, bundledHub } from "../support/bundled.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;

/** The hub among the processes of the supervisor: those of the shell have its script in their command line. */
const hubOf = (supervisor: number | null): number => {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const parent = /\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
      const command = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      return Number(parent) === supervisor && command.includes("hemhub.mjs");
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error("there is no hub under the supervisor");
  return Number(found);
};

describe("the hub as it is shipped, under the supervisor", () => {
  let program: Bundled;
  beforeAll(async () => {
    program = await bundledHub();
  }, 60_000);
  afterAll(() => program[Symbol.asyncDispose]());

  let place = "";
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "hemhub-watchdog-"));
  });
  afterEach(() => rm(place, { recursive: true, force: true }));

  const open = (): Promise<RealHome> => {
    const surroundings = {
      ...QUICK,
      HEMHUB_ALIVE_MS: "3000",
      HEMHUB_READY_MS: "60000",
      // Its own name is its start script, which takes the runtime from the path.
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HEMHUB_BASE: dirname(program.file),
      HEMHUB_RUN: join(place, "run"),
      // Far more than a stop takes.
      HEMHUB_STOP_MS: "14000",
    };
    const env = Object.entries(surroundings).map(([name, value]) => `${name}=${value}`);
    return openRealHome({ hub: ["/usr/bin/env", ...env, SUPERVISOR, join(place, "releases")] });
  };
  const sign = (): { state: string; signs: number } => {
    const [state = "", signs] = readFileSync(join(place, "run", "alive"), "latin1").split(" ");
    return { state, signs: Number(signs) };
  };

  it("F56: gives signs of life, is started again when it stands still, and loses nothing that it took", async () => {
    await using real = await open();
    const { home } = real;
    await until(() => sign().signs >= 3, "three signs");
    expect(sign().state).toBe("ready");
    await home.setNetwork("cut");
    const enough = real.count("stored") + 3;
    for (const sensor of ["scale", "cuff", "thermometer"]) home.use(sensor);
    await until(() => real.count("stored") >= enough, "three readings are acknowledged and wait", 60_000);

    const first = hubOf(home.hub.pid);
    process.kill(first, "SIGSTOP");
    const again = (): boolean => {
      try {
        return hubOf(home.hub.pid) !== first && sign().state === "ready";
      } catch {
        return false;
      }
    };
    await until(again, "another hub is ready", 60_000);

    await home.setNetwork("up");
    home.use("scale");
    const summary = await home.finish(seconds(60), never);
    expect(summary).toMatchObject(NOTHING_LOST);
    expect(summary.receipted).toBeGreaterThanOrEqual(4);
    expect(sign().state).toBe("stopping");
  }, 180_000);
});
