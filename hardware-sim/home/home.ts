import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../protocol/errors.ts";
import { hubId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { openPty, type Pty } from "../pty/pty.ts";
import { radioAddress } from "../radio/address.ts";
import { createAir } from "../radio/air.ts";
import { createChance } from "../radio/seeded.ts";
import { createVirtualController } from "../radio/virtual-controller.ts";
import type { NetworkState } from "../region/network.ts";
import { type Account, accountOf } from "./account.ts";
import { live } from "./habits.ts";
import type { HomeEvent, Tell } from "./home-event.ts";
import type { HomeSensor } from "./home-sensor.ts";
import { createHomeSensors } from "./home-sensors.ts";
import { HUB_SOCKET, writeHubConfig } from "./hub-config-file.ts";
import { createHubProcess, type HubProcess } from "./hub-process.ts";
import { createHubStory } from "./hub-story.ts";
import { createPatient } from "./patient.ts";
import { createRegionSide, type RegionSide, type StartBroker } from "./region-side.ts";
import { tellOfRegion } from "./region-story.ts";
import { countsOf, livePlan, missingOf } from "./release-plan.ts";
import { createReleases, type Releases, type UpdateSettings } from "./releases.ts";
import { createCarefulHands } from "./rest.ts";
import type { Scenario } from "./scenario.ts";
import { type Summary, summaryOf } from "./summary.ts";
import { pairSensor } from "./technician.ts";
import type { SensorName } from "./truth.ts";

export const HUB_ID = hubId("hub-0042");
const ASSIGNMENT = "a-7f3c9b";
const ZONE = "Europe/Stockholm";
const ADAPTER_ADDRESS = "c0:26:da:ff:00:01";
/** A supervisor waits a moment before it starts a service again. */
export const RESTART_AFTER = seconds(1);
/** Between two looks at whether everything has arrived. */
const LOOK_EVERY = millis(100);

export interface HomeOptions {
  readonly seed: number;
  readonly scenario: Scenario;
  /** A folder of its own for everything that the home writes: credentials, configuration, the hub's data, links. */
  readonly folder: string;
  /** The hub's program and first arguments; `run --config FILE` follows. For example the runtime and its main file. */
  readonly hub: readonly string[];
  readonly clock?: Clock;
  readonly observe?: (event: HomeEvent) => void;
  /** A broker that is not the embedded one. */
  readonly startBroker?: StartBroker;
  /** Default 1 s. */
  readonly restartAfter?: Millis;
  /** The hub is started by its launcher, and the region can publish releases for it; `hub` is not used then. */
  readonly updates?: UpdateSettings;
}

/**
 * A whole home: sensors on serial lines and on a virtual radio, a region behind TLS, and between them the real hub as
 * a child process with an ordinary configuration file. It keeps the account of what was measured against what arrived.
 * Disposing of it ends every process and closes every line; the folder is left to the caller.
 */
export interface Home extends AsyncDisposable {
  readonly configFile: string;
  readonly scenario: Scenario;
  readonly sensors: readonly HomeSensor[];
  readonly region: RegionSide;
  readonly hub: HubProcess;
  /** Starts the hub, and pairs its sensors where they are not; resolves when it is ready to be used. */
  start(signal: AbortSignal): Promise<void>;
  /** Lives the scenario until the signal aborts. */
  live(signal: AbortSignal): Promise<void>;
  /** Publishes the releases of the scenario; resolves when they are over, or with the signal. */
  liveReleases(signal: AbortSignal): Promise<void>;
  /** Publishes the next release, good or broken by turns; tells where it cannot. */
  publishRelease(signal: AbortSignal): Promise<void>;
  /** Null where the hub takes no updates. */
  readonly releases: Releases | null;
  /** The patient uses a sensor once (a worn one: puts it on, or takes it off). */
  use(sensor: SensorName): void;
  /** Pulls a cable, or puts it back. Bluetooth sensors have none. */
  setPlugged(sensor: SensorName, plugged: boolean): Promise<void>;
  setNetwork(state: NetworkState): Promise<void>;
  /** Stops the embedded broker and starts it again on its port after `pause`. */
  restartBroker(pause: Millis, signal: AbortSignal): Promise<void>;
  /** What the region has, held against what was measured so far. */
  account(): Account;
  /** The hub is up, everything measured is at the region, and the hub has applied the receipts. */
  readonly settled: boolean;
  /**
   * Takes off what is worn, repairs cables, network and broker, wakes sensors that still hold something, and waits
   * until `settled`, at most `within`. False when it did not get there.
   */
  drain(within: Millis, signal: AbortSignal): Promise<boolean>;
  /** Drains, stops the hub in order, and sums up. */
  finish(within: Millis, signal: AbortSignal): Promise<Summary>;
}

export const createHome = async (options: HomeOptions): Promise<Home> => {
  const { scenario, seed, folder } = options;
  const clock = options.clock ?? createRealClock();
  const startedAt = clock.elapsed();
  const chance = createChance(seed);
  const patient = createPatient(chance.fork("patient"));
  await using stack = new AsyncDisposableStack();

  const tell: Tell = (event) =>
    options.observe?.({ at: millis(Math.round(clock.elapsed() - startedAt)), ...event } as HomeEvent);

  const complain = (text: string): void => tell({ event: "complaint", from: "region", text });

  const air = createAir({ clock, seed, loss: scenario.radioLoss });
  const radioLine = stack.use(await openPty({ clock }));
  stack.use(createVirtualController({ line: radioLine, air, address: radioAddress(ADAPTER_ADDRESS) }));
  const lines = join(folder, "lines");
  await mkdir(lines, { recursive: true });
  const sensors = await createHomeSensors(
    {
      clock,
      chance: chance.fork("sensors"),
      zone: ZONE,
      folder: lines,
      trouble: (sensor) => scenario.trouble[sensor] ?? {},
      taken: (sensor, number, shown) => tell({ event: "taken", sensor, number, shown }),
    },
    air,
    scenario.sensors,
  );
  for (const sensor of sensors) stack.use(sensor);
  const byModel = new Map(sensors.map((sensor) => [sensor.model, sensor]));
  const sensorOf = (catalogue: string): HomeSensor | undefined => byModel.get(catalogue.split("@")[0] ?? "");
  const named = (name: SensorName): HomeSensor => {
    const found = sensors.find((sensor) => sensor.name === name);
    if (found === undefined) throw new RangeError(`home: no sensor is called ${name}`);
    return found;
  };

  const story = createHubStory(tell);
  const { updates } = options;
  const releases =
    updates === undefined
      ? null
      : stack.use(
          await createReleases({
            clock,
            hub: HUB_ID,
            folder,
            settings: updates,
            tell,
            onWanted: (isWanted) => hands.rest(isWanted),
          }),
        );
  const region = stack.use(
    await createRegionSide({
      clock,
      hub: HUB_ID,
      folder,
      seed,
      observe: (event) => tellOfRegion(event, sensorOf, tell),
      ...(options.startBroker === undefined ? {} : { startBroker: options.startBroker }),
    }),
  );
  await releases?.open(region);
  const configFile = await writeHubConfig({
    folder,
    hub: HUB_ID,
    assignment: ASSIGNMENT,
    zone: ZONE,
    url: region.network.url,
    files: region.files,
    adapter: radioLine.path,
    sensors,
    updates: releases?.section ?? null,
  });
  const hub = stack.use(
    createHubProcess({
      command: [...(releases?.command ?? options.hub), "run", "--config", configFile],
      ...(releases === null ? {} : { env: releases.env, noteEnd: releases.noteEnd }),
      clock,
      ptys: () =>
        [radioLine, ...sensors.map((sensor) => sensor.line?.pty ?? null)].filter((one): one is Pty => one !== null),
      restartAfter: options.restartAfter ?? RESTART_AFTER,
      observe: story.hear,
    }),
  );

  const account = (): Account =>
    accountOf({
      truths: sensors.flatMap((sensor) => sensor.truths()),
      streams: sensors.map((sensor) => sensor.stream()).filter((one) => one !== null),
      accepted: region.receiver
        .accepted()
        .map((reading) => ({ sensor: sensorOf(reading.reading.device.catalogue)?.name ?? null, reading })),
      outages: hub.outages,
    });

  const isSettled = (): boolean => {
    if (!hub.ready || releases?.settled === false || !sensors.every((sensor) => sensor.idle)) return false;
    const accepted = region.receiver.accepted();
    const { lost, mayArriveUntil } = account();
    if (lost > 0 || (mayArriveUntil !== null && clock.elapsed() < mayArriveUntil)) return false;
    if (accepted.some((one) => one.receiptedAt === null)) return false;
    const highest = accepted.reduce((most, one) => Math.max(most, one.reading.seq), 0);
    const through = story.applied.reduce((most, one) => Math.max(most, one.through), 0);
    return through >= highest && [...story.storedSeqs].every((seq) => seq <= highest);
  };

  const setNetwork = async (state: NetworkState): Promise<void> => {
    for (const network of [region.network, releases?.network]) {
      if (state === "up") await network?.restore();
      else if (state === "cut") await network?.cut();
      else network?.silence();
    }
    tell({ event: "network", state });
  };

  const setPlugged = async (name: SensorName, plugged: boolean): Promise<void> => {
    const { line } = named(name);
    if (line === null || line.plugged === plugged) return;
    await (plugged ? line.plug() : line.unplug());
    tell({ event: "cable", sensor: name, plugged });
  };

  const hands = createCarefulHands({
    clock,
    patient,
    sensors,
    habits: scenario.habits.map(({ sensor }) => sensor),
    state: () => releases?.state ?? null,
    setPlugged,
    tell,
  });

  const pair = async (sensor: HomeSensor, signal: AbortSignal): Promise<void> => {
    if (await pairSensor(join(folder, HUB_SOCKET), sensor, signal)) tell({ event: "paired", sensor: sensor.name });
  };

  const repair = async (): Promise<void> => {
    if (region.network.state !== "up") await setNetwork("up");
    await region.broker?.start();
    for (const sensor of sensors) await setPlugged(sensor.name, true);
  };

  const drain = async (within: Millis, signal: AbortSignal): Promise<boolean> => {
    const end = clock.elapsed() + within;
    tell({ event: "phase", phase: "draining" });
    await repair();
    await releases?.withdraw();
    for (;;) {
      for (const sensor of sensors) sensor.leave();
      if (isSettled()) return true;
      if (clock.elapsed() >= end || signal.aborted) return false;
      await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
    }
  };

  const kept = stack.move();
  return {
    configFile,
    scenario,
    sensors,
    region,
    hub,
    start: async (signal) => {
      await hub.start(signal);
      await Promise.all(sensors.map((sensor) => pair(sensor, signal)));
    },
    live: (signal) => {
      tell({ event: "phase", phase: "measuring" });
      return live(scenario, hands, clock, chance, signal);
    },
    liveReleases: async (signal) => {
      if (scenario.releases === undefined || releases === null) return;
      await livePlan(scenario.releases, { releases, clock, chance }, complain, signal);
    },
    publishRelease: async (signal) => {
      if (releases === null) return complain("releases: this hub was not started by hemhub-launch; use npm start");
      await releases.publishNext(signal).catch((thrown) => signal.aborted || complain(messageOf(thrown)));
    },
    releases,
    use: (name) => named(name).use(patient),
    setPlugged,
    setNetwork,
    restartBroker: async (pause, signal) => {
      await region.broker?.stop();
      tell({ event: "broker", state: "down" });
      await clock.sleep(pause, signal).finally(() => region.broker?.start());
      tell({ event: "broker", state: "up" });
    },
    account,
    get settled() {
      return isSettled();
    },
    drain,
    finish: async (within, signal) => {
      const drained = await drain(within, signal);
      const exitCode = await hub.stop();
      const accepted = region.receiver.accepted();
      return summaryOf({
        account: account(),
        region: region.receiver.counts(),
        storedSeqs: story.storedSeqs,
        sentSeqs: story.sentSeqs,
        applied: story.applied,
        acceptedSeqs: new Set(accepted.map((one): number => one.reading.seq)),
        receipted: accepted.filter((one) => one.receiptedAt !== null).length,
        drained,
        hub: { starts: hub.starts, exitCode, rssMb: hub.rssMb },
        elapsed: millis(clock.elapsed() - startedAt),
        scenario: scenario.name,
        seed,
        updates: countsOf(releases?.campaigns ?? []),
        updatesMissing: missingOf(scenario.releases, releases?.campaigns ?? []),
      });
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
};
