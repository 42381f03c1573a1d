import { join } from "node:path";
import { type Bridge, startBridge } from "./bridge.ts";
import { hrMs } from "./job.ts";
import { HUB, READING_TOPIC, type Stage } from "./stage.ts";
import { startWatcher, type Watcher } from "./watcher.ts";

/** What a bridge makes of the jobs of bench/job.ts, seen from the region's broker. */
export interface Bridged {
  readonly perSecond: number;
  /** Of the bridge's process alone. */
  readonly cpuMsEach: number;
}

const open = (stage: Stage, store: string): Promise<Bridge> =>
  startBridge({
    files: stage.files,
    folder: join(stage.folder, store),
    hub: HUB,
    topic: READING_TOPIC,
    port: stage.broker.port,
  });

const watch = (stage: Stage): Promise<Watcher> =>
  startWatcher({
    port: stage.broker.port,
    files: stage.files,
    topic: READING_TOPIC,
    payloadBytes: stage.readingBytes,
  });

const between = (count: number, from: number, to: number): number => (count * 1000) / (to - from);

/** Readings of `sensors` at once, each given when the local broker has taken the last one. */
export const bridgeBusy = async (
  stage: Stage,
  load: { readonly sensors: number; readonly warmUp: number; readonly count: number },
  signal: AbortSignal,
): Promise<Bridged> => {
  await using watcher = await watch(stage);
  await using bridge = await open(stage, "bridge-busy");
  const feeding = stage.run("feeder", { tag: "busy", ...load }, "feeder", signal, { url: bridge.url });
  const from = await watcher.arrived(load.warmUp);
  const cpu = await bridge.cpuMs();
  const to = await watcher.arrived(load.warmUp + load.count);
  const cpuMsEach = ((await bridge.cpuMs()) - cpu) / load.count;
  await feeding;
  return { perSecond: between(load.count, from, to), cpuMsEach };
};

/** From giving a reading to the local broker to its arrival at the region's. */
export const bridgeRest = async (
  stage: Stage,
  load: { readonly count: number; readonly everyMs: number },
  signal: AbortSignal,
): Promise<readonly number[]> => {
  await using watcher = await watch(stage);
  await using bridge = await open(stage, "bridge-rest");
  const given: number[] = [];
  await stage.run("feeder", { tag: "rest", ...load }, "feeder", signal, {
    url: bridge.url,
    onLine: (line) => {
      if (line.event === "given") given.push(line.at);
    },
  });
  return await Promise.all(given.map(async (at, index) => (await watcher.arrived(index + 1)) - at));
};

/** `count` readings wait at the bridge while the region's broker is away; then it comes back. */
export const bridgeDrain = async (
  stage: Stage,
  { count, sensors }: { readonly count: number; readonly sensors: number },
  signal: AbortSignal,
): Promise<Bridged> => {
  await stage.broker.stop();
  await using bridge = await open(stage, "bridge-drain");
  await stage.run("feeder", { tag: "busy", sensors, warmUp: 0, count }, "feeder", signal, { url: bridge.url });
  // Stopped until the watcher is there: it must not miss the first ones.
  bridge.freeze();
  await stage.broker.start();
  await using watcher = await watch(stage);
  const cpu = await bridge.cpuMs();
  bridge.thaw();
  const from = await Promise.race([watcher.arrived(1), watcher.arrived(count).then(hrMs)]);
  const to = await watcher.arrived(count);
  return { perSecond: between(count, from, to), cpuMsEach: ((await bridge.cpuMs()) - cpu) / count };
};
