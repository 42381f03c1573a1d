import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pathOf } from "../support/requirements.ts";
import { type Operation, readRecording } from "./recording.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What a process did to the files below `root`, which lay in memory or on a disk that is gone by now. */
export interface Recording {
  readonly root: string;
  readonly operations: readonly Operation[];
}

/** Build the recorder, to be preloaded. */
export const buildRecorder = (shim: string): void => {
  execFileSync(pathOf("cc") ?? "cc", ["-shared", "-fPIC", "-O1", "-o", shim, here("recorder.c"), "-ldl"]);
};

/**
 * Run a TypeScript file as a process of its own under the recorder. `argumentsOf` gets the folder that is recorded and
 * the file whose lines are acknowledgements. Rejects where the process fails.
 */
export const record = async (
  script: string,
  argumentsOf: (root: string, acks: string) => readonly string[],
): Promise<Recording> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-record-"));
  const [shim, log, root, acks] = ["recorder.so", "log", "disk", "acks"].map((name) => join(place, name)) as [
    string,
    string,
    string,
    string,
  ];
  try {
    buildRecorder(shim);
    execFileSync("mkdir", [root]);
    const child = spawn(process.execPath, [script, ...argumentsOf(root, acks)], {
      env: {
        ...process.env,
        LD_PRELOAD: shim,
        HEMHUB_RECORD_ROOT: root,
        HEMHUB_RECORD_LOG: log,
        HEMHUB_RECORD_ACKS: acks,
      },
      stdio: ["ignore", "inherit", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-4000);
    });
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`${script} ended with ${code}: ${said}`);
    return { root, operations: await readRecording(log) };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};
