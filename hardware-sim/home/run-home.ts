import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { millis, seconds } from "../../protocol/time.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { createHome, type Home } from "./home.ts";
import type { HomeEvent } from "./home-event.ts";
import { renderView } from "./render-view.ts";
import type { RunOptions } from "./run-options.ts";
import type { Summary } from "./summary.ts";
import { openScreen } from "./terminal.ts";
import { emptyView, nextView } from "./view-state.ts";

/** After the last measurement; a hub that was just killed needs a few of them. */
const DRAIN_WITHIN = seconds(30);
/** What a person calls by one key. */
const SENSOR_KEYS: Readonly<Record<string, string>> = {
  s: "scale",
  b: "cuff",
  o: "oximeter",
  t: "thermometer",
  g: "glucose-meter",
};

export interface RunIo {
  /** One line, without its end. */
  readonly write: (line: string) => void;
  /** Where to draw and whence keys come; null: events as lines. */
  readonly terminal: {
    readonly input: typeof process.stdin;
    readonly output: typeof process.stdout;
  } | null;
}

/** A temporary folder that is gone afterwards, also when the process ends in any other way. */
const ownFolder = async (): Promise<{ readonly path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), "hemhub-home-"));
  const atExit = (): void => rmSync(path, { recursive: true, force: true });
  process.on("exit", atExit);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      process.off("exit", atExit);
      await rm(path, { recursive: true, force: true });
    },
  };
};

const onKey = (home: Home, key: string, stop: () => void, signal: AbortSignal): Promise<void> | void => {
  const sensor = SENSOR_KEYS[key];
  if (sensor !== undefined) return home.use(sensor);
  if (key === "n") return home.setNetwork(home.region.network.state === "up" ? "cut" : "up");
  if (key === "k") return home.hub.kill();
  if (key === "u") return home.publishRelease(signal);
  if (key === "q") stop();
};

/** `stop` ends the measuring, in order; `hurry` also ends the wait for what is still on its way. */
export interface RunSignals {
  readonly stop: AbortSignal;
  readonly hurry: AbortSignal;
}

/**
 * Run a home until its time is over or it is stopped, then drain and sum up. Rejects with HubError `aborted` when the
 * hub cannot work. Whatever happens, no process, line or folder is left.
 */
export const runHome = async (options: RunOptions, io: RunIo, signals: RunSignals): Promise<Summary> => {
  const clock = createRealClock();
  const { scenario, seed, hub, json } = options;
  // Where nothing can ask for a release, the hub is started as it is.
  const takesUpdates = options.updates !== null && (io.terminal !== null || scenario.releases !== undefined);
  const updates = takesUpdates && options.updates !== null ? { updates: options.updates } : {};
  let view = emptyView(`${scenario.name}, seed ${seed}`, []);
  const observe = (event: HomeEvent): void => {
    if (io.terminal === null) io.write(JSON.stringify(event));
    else view = nextView(view, event);
  };

  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await ownFolder());
  if (io.terminal !== null) io.write("Starting the simulated home and the hub in it ...");
  const home = stack.use(await createHome({ seed, scenario, folder: folder.path, hub, clock, observe, ...updates }));
  view = emptyView(
    view.title,
    home.sensors.map(({ name, title, line }) => ({ name, title, retains: line === null })),
  );
  const stopping = new AbortController();
  const over = AbortSignal.any([signals.stop, stopping.signal]);
  await home.start(over).catch((thrown) => {
    if (!over.aborted) throw thrown;
  });

  const started = clock.elapsed();
  if (io.terminal !== null && !json) {
    stack.use(
      openScreen({
        ...io.terminal,
        clock,
        draw: (size) =>
          renderView(view, { elapsed: millis(clock.elapsed() - started), rssMb: home.hub.rssMb.now }, size),
        key: (key) => {
          // A key that comes too late (the home is being taken down) has nothing to say.
          void Promise.resolve(onKey(home, key, () => stopping.abort(), over)).catch(() => undefined);
        },
      }),
    );
  }
  const timer = new AbortController();
  const measuring = AbortSignal.any([over, timer.signal]);
  const hasEnd = options.seconds !== null || scenario.releases !== undefined;
  const limit = Promise.all([clock.sleep(seconds(options.seconds ?? 0), measuring), home.liveReleases(measuring)]).then(
    () => (hasEnd ? timer.abort() : undefined),
    () => undefined,
  );
  await home.live(measuring);
  await limit;
  return await home.finish(DRAIN_WITHIN, signals.hurry);
};
