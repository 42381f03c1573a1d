import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHome } from "../../hardware-sim/home/home.ts";
import type { HomeEvent } from "../../hardware-sim/home/home-event.ts";
import { scenarioNamed } from "../../hardware-sim/home/scenario.ts";
import { millis } from "../../protocol/time.ts";
import { bundledHub } from "../support/bundled.ts";
import { until } from "../support/until.ts";
import { buildRecorder, type Recording } from "./record.ts";
import { readRecording } from "./recording.ts";

const SENSORS = ["scale", "cuff", "thermometer", "spot-oximeter", "bathroom-scale", "glucose-meter-cable"];
/** Stored in each of the two lives of the hub before it is stopped. */
const READINGS = 8;

/**
 * Record what a whole hub does to its data folder, in a home whose network is cut, so that everything stays: its first
 * start with pairing, readings, a stop under load, a second start, and another stop under load. The lines of its log
 * are its acknowledgements; they come after what they speak of was durable.
 */
export const recordHub = async (): Promise<Recording> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-record-hub-"));
  const [shim, log, root] = [join(place, "recorder.so"), join(place, "log"), join(place, "data")];
  const events: HomeEvent[] = [];
  try {
    buildRecorder(shim);
    await using program = await bundledHub();
    const variables = { LD_PRELOAD: shim, HEMHUB_RECORD_ROOT: root, HEMHUB_RECORD_LOG: log, HEMHUB_RECORD_STDOUT: "1" };
    const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    await using home = await createHome({
      seed: 1,
      scenario: scenarioNamed("still"),
      folder: place,
      hub: ["/usr/bin/env", ...set, process.execPath, program.file],
      observe: (event) => events.push(event),
      restartAfter: millis(20),
    });
    await home.setNetwork("cut");
    await home.start(AbortSignal.timeout(60_000));
    const stored = (): number => events.filter(({ event }) => event === "stored").length;
    const underLoad = async (): Promise<void> => {
      const enough = stored() + READINGS;
      for (const sensor of SENSORS) home.use(sensor);
      home.use("scale");
      await until(() => stored() >= enough, `${READINGS} readings are stored`, 60_000);
      for (const sensor of SENSORS) home.use(sensor);
    };
    home.use("oximeter");
    await underLoad();
    const { pid, starts } = home.hub;
    if (pid !== null) process.kill(pid, "SIGTERM");
    await until(() => home.hub.starts > starts && home.hub.ready, "the hub is up again", 60_000);
    home.use("oximeter");
    await underLoad();
    const exitCode = await home.hub.stop();
    if (exitCode !== 0) throw new Error(`the hub ended with ${exitCode}`);
    return { root, operations: await readRecording(log) };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};
