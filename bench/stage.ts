import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCertificateAuthority } from "../hardware-sim/region/certificates.ts";
import { type CredentialFiles, writeCredentials } from "../hardware-sim/region/credential-files.ts";
import { sensorId } from "../protocol/ids.ts";
import { epochMs } from "../protocol/time.ts";
import { type Mosquitto, startMosquittoOn } from "../tests/support/mosquitto.ts";
import { createBenchSensor } from "./bench-sensor.ts";
import type { Job, JobReport, ProgramConfig, ProgramLine, StartOptions } from "./job.ts";
import { runProgram } from "./job.ts";

export const HUB = "hub-0042";
export const READING_TOPIC = `hemhub/1/${HUB}/reading`;
/** With as many digits as those of the peers. */
const LONG_NUMBER = 1_000_001;
const RECEIPT_TOPIC = `hemhub/1/${HUB}/receipt`;

export type Contestant = "ours" | "plain-script" | "tuned-script" | "feeder";

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const PROGRAMS: Readonly<Record<Contestant, string>> = {
  ours: fileOf("hub-program.ts"),
  "plain-script": fileOf("peers/plain-script.mjs"),
  "tuned-script": fileOf("peers/tuned-script.mjs"),
  feeder: fileOf("peers/feeder.mjs"),
};

/** How a release is started (scripts/bundle.mjs); peers start as Node does. */
const RELEASE: StartOptions = {
  nodeOptions: ["--optimize-for-size", "--max-semi-space-size=1", "--max-old-space-size=96"],
  environment: { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: "131072" },
};

export interface RunOptions {
  /** Of another broker than the region's. */
  readonly url?: string;
  readonly onLine?: (line: ProgramLine) => void;
}

/** One broker with TLS, the same for all, and a folder on the disk under test. */
export interface Stage extends AsyncDisposable {
  readonly folder: string;
  readonly files: CredentialFiles;
  readonly broker: Mosquitto;
  /** What a reading looks like as JSON. */
  readonly readingFile: string;
  readonly readingBytes: number;
  /** A program at one job; its store is in the folder `store`, and stays there. */
  run(contestant: Contestant, job: Job, store: string, signal: AbortSignal, given?: RunOptions): Promise<JobReport>;
}

/** Nothing is dropped and nothing waits for its turn: what the peers do is not held up by the broker's bounds. */
const UNBOUNDED = ["max_queued_messages 0", "max_inflight_messages 0"];

const startRegion = async (files: CredentialFiles, port: number): Promise<AsyncDisposable> => {
  const config = {
    url: `mqtts://localhost:${port}`,
    ca: files.ca,
    certificate: files.region.certificate,
    key: files.region.key,
    readingTopic: READING_TOPIC,
    receiptTopic: RECEIPT_TOPIC,
  };
  const child = spawn(process.execPath, [fileOf("answering-region.ts"), JSON.stringify(config)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
};

export const openStage = async (): Promise<Stage> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-bench-"));
  const authority = await createCertificateAuthority("bench", epochMs(Date.now()));
  const files = await writeCredentials(authority, join(folder, "tls"), HUB);
  const broker = await startMosquittoOn(files, { settings: UNBOUNDED });
  const readingFile = join(folder, "reading.json");
  const [reading] = createBenchSensor(HUB, sensorId("sample"), 0).next();
  const readingText = JSON.stringify({ ...reading, seq: LONG_NUMBER });
  await writeFile(readingFile, readingText);
  return {
    folder,
    files,
    broker,
    readingFile,
    readingBytes: readingText.length,
    run: async (contestant, job, store, signal, given = {}) => {
      const place = join(folder, store);
      await mkdir(place, { recursive: true });
      const config: ProgramConfig = {
        url: given.url ?? `mqtts://localhost:${broker.port}`,
        ca: files.ca,
        certificate: files.hub.certificate,
        key: files.hub.key,
        clientId: HUB,
        topic: READING_TOPIC,
        folder: place,
        reading: readingFile,
        job,
      };
      if (contestant !== "ours") return await runProgram(PROGRAMS[contestant], config, signal, given);
      await using _region = await startRegion(files, broker.port);
      return await runProgram(PROGRAMS.ours, config, signal, { ...RELEASE, ...given });
    },
    [Symbol.asyncDispose]: async () => {
      await broker[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
