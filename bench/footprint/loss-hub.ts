import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { openPty, type Pty } from "../../hardware-sim/pty/pty.ts";
import { tanitaLine } from "../../hardware-sim/serial/scale-lines.ts";
import type { Seq } from "../../protocol/ids.ts";
import { createDiskModel } from "../../tests/power-cut/disk-model.ts";
import { readRecording } from "../../tests/power-cut/recording.ts";
import { pathOf } from "../../tests/support/requirements.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { startChild, writeHubFiles } from "./child.ts";
import { openRegionEnd, type RegionEnd } from "./region-end.ts";
import type { Release } from "./release.ts";

/** What was promised, and what of it is gone. */
export interface Losses {
  readonly accepted: number;
  readonly lost: number;
}

const EVERY_MS = 10;
/** With the region there, and then without. */
export const PHASE_MS = 1500;
const READY_MS = 60_000;

const feed = async (pty: Pty, signal: AbortSignal): Promise<void> => {
  for (let n = 0; !signal.aborted; n += 1) {
    const body = {
      weightTenths: 500 + (n % 900),
      fatPercentTenths: 200 + (n % 97),
      age: 40,
      heightCm: 175,
      gender: "male",
    };
    await pty.write(tanitaLine(body as Parameters<typeof tanitaLine>[0], "1").bytes);
    await pause(EVERY_MS);
  }
};

/** Numbers that the hub says are stored, and whether it reads its scale. */
const watchLog = () => {
  const stored = new Set<number>();
  const connected = Promise.withResolvers<void>();
  return {
    stored,
    connected: connected.promise,
    onLine: (line: string): void => {
      const { msg, seq } = JSON.parse(line) as { msg?: string; seq?: number };
      if (msg === "reading stored" && seq !== undefined) stored.add(seq);
      if (msg === "serial sensor connected") connected.resolve();
    },
  };
};

const within = <T>(work: Promise<T>, what: string): Promise<T> =>
  Promise.race([
    work,
    pause(READY_MS, undefined, { ref: false }).then(() => {
      throw new Error(`${what}: not within ${READY_MS / 1000} s`);
    }),
  ]);

const scaleAt = (pty: Pty) => ({
  sensors: [{ id: "scale", model: "tanita-sc-240", serial: { path: pty.path } }],
});

/** Run a hub under load for one round, kill -9 at its end; what it said was stored. */
const round = async (
  program: string,
  config: string,
  region: RegionEnd,
  pty: Pty,
  env: Readonly<Record<string, string>> = {},
): Promise<ReadonlySet<number>> => {
  const log = watchLog();
  const hub = startChild([program, "run", "--config", config], { onLine: log.onLine, ptys: [pty], env });
  const feeding = new AbortController();
  region.back();
  await within(log.connected, "the hub reads its scale");
  const fed = feed(pty, feeding.signal);
  await pause(PHASE_MS);
  region.away();
  await pause(PHASE_MS * (0.5 + Math.random()));
  await hub.end("SIGKILL");
  feeding.abort();
  await fed;
  return log.stored;
};

/** Kill and start again `kills` times, then let everything arrive. */
export const killHub = async (release: Release, region: RegionEnd, kills: number): Promise<Losses> => {
  await using pty = await openPty();
  const folder = join(region.folder, "killed");
  const { config } = await writeHubFiles(folder, region.port, region.files, scaleAt(pty));
  const stored = new Set<number>();
  for (let kill = 0; kill < kills; kill += 1) {
    for (const seq of await round(release.program, config, region, pty)) stored.add(seq);
  }
  region.back();
  await using _last = startChild([release.program, "run", "--config", config], { ptys: [pty] });
  const missing = (): number => {
    const arrived = new Set<number>(region.receiver.accepted().map(({ reading }) => reading.seq));
    return [...stored].filter((seq) => !arrived.has(seq)).length;
  };
  for (let waited = 0; waited < READY_MS && missing() > 0; waited += 250) await pause(250);
  return { accepted: stored.size, lost: missing() };
};

/** Files as they were at the last fsync of each when the process was killed (tests/power-cut/disk-model.ts). */
export const diskAfterCut = async (log: string, root: string, to: string): Promise<void> => {
  const disk = createDiskModel(root);
  for (const operation of await readRecording(log)) disk.apply(operation);
  for (const [path, content] of disk.after("unsynced-lost", () => false)) {
    const place = join(to, path.slice(root.length + 1));
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content);
  }
};

export const buildRecorder = (folder: string): string => {
  const recorder = join(folder, "recorder.so");
  const source = join(import.meta.dirname, "../../tests/power-cut/recorder.c");
  execFileSync(pathOf("cc") ?? "cc", ["-shared", "-fPIC", "-O1", "-o", recorder, source, "-ldl"]);
  return recorder;
};

/** Cut the power under a new hub `cuts` times: what it said was stored is at the region, or waits on the disk. */
export const cutHub = async (release: Release, cuts: number): Promise<Losses> => {
  await using pty = await openPty();
  let accepted = 0;
  let lost = 0;
  for (let cut = 0; cut < cuts; cut += 1) {
    // A new one too: a new hub counts from 1 again, and what the scale says is what it said to the last one.
    await using region = await openRegionEnd();
    const recorder = buildRecorder(region.folder);
    const folder = join(region.folder, "cut");
    const { config, dataDir } = await writeHubFiles(folder, region.port, region.files, scaleAt(pty));
    const log = join(folder, "recording");
    const env = { LD_PRELOAD: recorder, HEMHUB_RECORD_ROOT: dataDir, HEMHUB_RECORD_LOG: log };
    const stored = await round(release.program, config, region, pty, env);
    const found = join(folder, "found");
    await diskAfterCut(log, dataDir, found);
    const outbox = await openSqliteOutbox({
      directory: join(found, "outbox"),
      clock: createSystemClock(),
      logger: silentLogger,
    });
    const kept = new Set(region.receiver.accepted().map(({ reading }) => reading.seq as number));
    for (let after = 0 as Seq; ; ) {
      const entries = await outbox.next(after, 500);
      for (const { seq } of entries) kept.add(seq);
      const last = entries.at(-1);
      if (last === undefined) break;
      after = last.seq;
    }
    await outbox[Symbol.asyncDispose]();
    accepted += stored.size;
    lost += [...stored].filter((seq) => !kept.has(seq)).length;
  }
  return { accepted, lost };
};
