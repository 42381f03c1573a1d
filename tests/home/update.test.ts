import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { HomeEvent } from "../../hardware-sim/home/home-event.ts";
import type { UpdateSettings } from "../../hardware-sim/home/releases.ts";
import { scenarioNamed } from "../../hardware-sim/home/scenario.ts";
import { seconds } from "../../protocol/time.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { NOTHING_LOST, openRealHome, type RealHome } from "./real-home.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PATIENCE = seconds(60);
const never = new AbortController().signal;

let base: string;

/** A release that runs the hub of this checkout, so that none has to be bundled. What it carries besides is to be downloaded. */
beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), "hemhub-base-"));
  const main = path.join(ROOT, "gateway", "main.ts");
  await writeFile(path.join(base, "hemhub"), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  await chmod(path.join(base, "hemhub"), 0o755);
  await mkdir(path.join(base, "data"));
  // Larger than what a connection holds on its way, and not to be packed.
  await writeFile(path.join(base, "data", "noise"), randomBytes(8_000_000));
});

afterEach(() => rm(base, { recursive: true, force: true }));

const settings = (over: Partial<UpdateSettings> = {}): UpdateSettings => ({
  publisher: [process.execPath, path.join(ROOT, "scripts", "demo-release.mjs"), "--bundle", base],
  launcher: path.join(ROOT, "packaging", "launch", "hemhub-launch"),
  base,
  ...over,
});

type Of<K extends HomeEvent["event"]> = Extract<HomeEvent, { readonly event: K }>;
const all = <K extends HomeEvent["event"]>({ events }: RealHome, kind: K): readonly Of<K>[] =>
  events.filter((event): event is Of<K> => event.event === kind);

const tools = requirement("mksquashfs");

it.skipIf(!tools.available)(
  titled(
    "a running hub takes a release, over a network that breaks meanwhile, and comes back from a broken one; no reading is lost",
    tools,
  ),
  { timeout: 240_000 },
  async () => {
    let isCut = false;
    const reached = Promise.withResolvers<void>();
    const cut = Promise.withResolvers<void>();
    const beforePiece = async (file: string, sent: number): Promise<void> => {
      if (isCut || !file.startsWith("/targets/") || sent === 0) return;
      isCut = true;
      reached.resolve();
      await cut.promise;
    };
    await using real = await openRealHome({ scenario: scenarioNamed("update"), updates: settings({ beforePiece }) });
    const { home } = real;
    const stop = new AbortController();
    const living = home.live(stop.signal);
    const publishing = home.liveReleases(stop.signal);

    await reached.promise;
    const taken = real.count("stored");
    await home.setNetwork("cut");
    cut.resolve();
    home.use("cuff");
    await until(() => real.count("stored") > taken, "a reading is stored without a network", 30_000);
    await home.setNetwork("up");

    await publishing;
    stop.abort();
    await living;
    const summary = await home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ ...NOTHING_LOST, updates: { installed: 1, rolledBack: 1 } });
    expect(summary.taken).toBeGreaterThan(10);

    expect(all(real, "release-ended")).toMatchObject([
      { counter: 1, content: "good", result: "installed", reason: null },
      { counter: 2, content: "broken", result: "rolled-back", reason: "crashed" },
    ]);
    const during = (state: string) => all(real, "release").find((one) => one.state === state)?.at ?? Number.NaN;
    const stored = all(real, "stored").map(({ at }) => at);
    expect(stored.some((at) => at > during("trial") && at < (all(real, "release-ended")[0]?.at ?? 0))).toBe(true);
    // What runs at the end is the good one, out of its image.
    expect(all(real, "release").at(-1)).toMatchObject({ state: "idle", running: { slot: "current" } });
    const releases = path.join(path.dirname(home.configFile), "releases");
    const current = (await readFile(path.join(releases, "current"), "utf8")).trim();
    const failed = (await readFile(path.join(releases, "last-failed"), "utf8")).trim();
    expect(failed).toMatch(/^[0-9a-f]{64} crashed$/);
    expect(failed).not.toContain(current);
  },
);
