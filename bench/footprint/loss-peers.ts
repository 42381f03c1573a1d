import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectAsync } from "mqtt";
import sqlite3 from "sqlite3";
import { createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { writeCredentials } from "../../hardware-sim/region/credential-files.ts";
import { epochMs } from "../../protocol/time.ts";
import { startMosquittoOn } from "../../tests/support/mosquitto.ts";
import { startBridge } from "../bridge.ts";
import { startChild } from "./child.ts";
import { buildRecorder, diskAfterCut, type Losses, PHASE_MS } from "./loss-hub.ts";
import { HUB, READING_TOPIC } from "./region-end.ts";

const CARELESS_SCRIPT = fileURLToPath(new URL("careless-script.mjs", import.meta.url));
const EVERY_MS = 10;
/** Nothing came for so long: nothing will. */
const STILL_MS = 5000;

const idsIn = async (file: string): Promise<ReadonlySet<number>> => {
  const database = new sqlite3.Database(file);
  const rows = await new Promise<readonly { id: number }[]>((resolve) => {
    // A cut before the table was durable leaves none.
    database.all<{ id: number }>("SELECT id FROM outbox", (error, found) => resolve(error === null ? found : []));
  });
  await new Promise<void>((resolve) => database.close(() => resolve()));
  return new Set(rows.map(({ id }) => id));
};

/** Cut the power under a script with synchronous=NORMAL `cuts` times. */
export const cutCarelessScript = async (folder: string, cuts: number): Promise<Losses> => {
  const recorder = buildRecorder(folder);
  let accepted = 0;
  let lost = 0;
  for (let cut = 0; cut < cuts; cut += 1) {
    const root = join(folder, `careless-${cut}`);
    const log = join(folder, `careless-${cut}.log`);
    const env = { LD_PRELOAD: recorder, HEMHUB_RECORD_ROOT: root, HEMHUB_RECORD_LOG: log };
    const child = startChild([process.execPath, CARELESS_SCRIPT, join(root, "outbox.db")], { env });
    await pause(PHASE_MS * (1.5 + Math.random()));
    await child.end("SIGKILL");
    const found = join(folder, `careless-${cut}-found`);
    await diskAfterCut(log, root, found);
    const kept = await idsIn(join(found, "outbox.db"));
    accepted += child.lines.length;
    lost += child.lines.filter((line) => !kept.has(Number(line))).length;
  }
  return { accepted, lost };
};

/**
 * Kill a Mosquitto that bridges `kills` times, fed as the hub is, with its own persistence as it comes (every 30
 * minutes). It counts for a cut of the power as well: its file is taken to be durable, which favours it.
 */
export const killBridge = async (folder: string, kills: number): Promise<Losses> => {
  const authority = await createCertificateAuthority("bench bridge", epochMs(Date.now()));
  const files = await writeCredentials(authority, join(folder, "bridge-tls"), HUB);
  await using broker = await startMosquittoOn(files);
  const accepted = new Set<number>();
  const arrived = new Set<number>();
  let arrivedAt = performance.now();

  const subscriber = async () => {
    const client = await connectAsync(`mqtts://localhost:${broker.port}`, {
      ca: authority.certificate,
      cert: await readFile(files.region.certificate),
      key: await readFile(files.region.key),
      clientId: "region",
      reconnectPeriod: 0,
    });
    client.on("message", (_topic, payload) => {
      arrived.add(Number(payload.toString()));
      arrivedAt = performance.now();
    });
    client.on("error", () => undefined);
    await client.subscribeAsync(READING_TOPIC, { qos: 1 });
    return client;
  };
  const bridgeOptions = { files, folder: join(folder, "bridge"), hub: HUB, topic: READING_TOPIC, port: broker.port };

  let number = 0;
  const round = async (): Promise<void> => {
    const region = await subscriber();
    const bridge = await startBridge(bridgeOptions);
    const feeder = await connectAsync(bridge.url, { reconnectPeriod: 0 });
    feeder.on("error", () => undefined);
    let feeding = true;
    const fed = (async () => {
      for (; feeding; number += 1) {
        const mine = number;
        feeder.publish(READING_TOPIC, String(mine), { qos: 1 }, (error) => {
          if (!error) accepted.add(mine);
        });
        await pause(EVERY_MS);
      }
    })();
    await pause(PHASE_MS);
    await broker.stop();
    await pause(PHASE_MS * (0.5 + Math.random()));
    feeding = false;
    await fed;
    await bridge[Symbol.asyncDispose]();
    await feeder.endAsync(true);
    await region.endAsync(true);
    await broker.start();
  };
  for (let kill = 0; kill < kills; kill += 1) await round();

  const region = await subscriber();
  const bridge = await startBridge(bridgeOptions);
  arrivedAt = performance.now();
  while (performance.now() - arrivedAt < STILL_MS) await pause(250);
  await bridge[Symbol.asyncDispose]();
  await region.endAsync(true);
  return { accepted: accepted.size, lost: [...accepted].filter((one) => !arrived.has(one)).length };
};
