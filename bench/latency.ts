import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bridgeRest } from "./bridged.ts";
import { type Bench, compare, median, quantile } from "./figure.ts";
import { openStage, type Stage } from "./stage.ts";

/** Long enough apart that nothing of the last one is under way. */
const EVERY_MS = 25;
/** The first ones are V8's, which compiles. A hub runs for months. */
const WARM_UP = 60;
const fileOf = (name: string): string => fileURLToPath(new URL(`peers/${name}`, import.meta.url));

/** fdatasync on the same disk and an echo over TLS, one after the other. */
const bareLimits = async (stage: Stage, count: number, signal: AbortSignal): Promise<readonly number[]> => {
  const { files, folder, readingFile } = stage;
  const place = join(folder, "bare");
  await mkdir(place, { recursive: true });
  const server = spawn(
    process.execPath,
    [fileOf("echo-server.mjs"), JSON.stringify({ ca: files.ca, ...files.server })],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const [port] = (await once(server.stdout, "data")) as [Buffer];
    const config = {
      url: `tls://localhost:${port.toString().trim()}`,
      ca: files.ca,
      ...files.hub,
      folder: place,
      reading: readingFile,
      count,
      everyMs: EVERY_MS,
    };
    const program = [fileOf("bare-limits.mjs"), JSON.stringify(config)];
    const { stdout } = await promisify(execFile)(process.execPath, program, { signal });
    return JSON.parse(stdout) as readonly number[];
  } finally {
    server.kill("SIGKILL");
  }
};

/** One reading on a hub at rest, from the sensor's octets to the PUBACK. */
export const bench: Bench = {
  name: "latency",
  run: async ({ quick }, signal) => {
    await using stage = await openStage();
    const load = { count: WARM_UP + (quick ? 150 : 1000), everyMs: EVERY_MS };
    const rest = { tag: "rest", ...load } as const;
    const bare = (await bareLimits(stage, load.count, signal)).slice(WARM_UP);
    const ours = (await stage.run("ours", rest, "ours-rest", signal)).latenciesMs.slice(WARM_UP);
    const plain = (await stage.run("plain-script", rest, "plain-rest", signal)).latenciesMs.slice(WARM_UP);
    const bridge = (await bridgeRest(stage, load, signal)).slice(WARM_UP);
    const unit = "ms";
    const half = { what: "one reading at rest, octets to PUBACK, p50", unit, ours: median(ours) };
    const most = { what: "one reading at rest, octets to PUBACK, p99", unit, ours: quantile(ours, 0.99) };
    return [
      compare({
        ...half,
        peer: median(bare),
        peerName: "fdatasync + TLS echo",
        goal: { tag: "at-most", times: 2 },
      }),
      compare({ ...half, peer: median(plain), peerName: "plain script", goal: { tag: "none" } }),
      compare({ ...half, peer: median(bridge), peerName: "bridge (not durable)", goal: { tag: "none" } }),
      compare({
        ...most,
        peer: quantile(plain, 0.99),
        peerName: "plain script",
        goal: { tag: "at-most", times: 1 },
      }),
      compare({
        ...most,
        peer: quantile(bare, 0.99),
        peerName: "fdatasync + TLS echo",
        goal: { tag: "none" },
      }),
      compare({ ...most, peer: quantile(bridge, 0.99), peerName: "bridge (not durable)", goal: { tag: "none" } }),
    ];
  },
};
