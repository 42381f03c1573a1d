import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import type { CredentialFiles } from "../hardware-sim/region/credential-files.ts";
import { pathOf } from "../tests/support/requirements.ts";
import { until } from "../tests/support/until.ts";

/**
 * A Mosquitto at home that bridges readings to the region's broker, QoS 1, with persistence. Its memory goes to its disk
 * every 30 minutes (its default): it is quicker so than with any other setting, and less durable.
 */
export interface Bridge extends AsyncDisposable {
  readonly url: string;
  /** CPU time of its process so far. */
  cpuMs(): Promise<number>;
  /** Stops the process where it is, and lets it go on. */
  freeze(): void;
  thaw(): void;
}

export interface BridgeOptions {
  readonly files: CredentialFiles;
  readonly folder: string;
  readonly hub: string;
  readonly topic: string;
  /** Of the region's broker. */
  readonly port: number;
}

/** proc_pid_stat(5): utime and stime, in ticks of 10 ms. */
const TICK_MS = 10;
const UTIME = 11;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    }).once("error", () => resolve(false));
  });

const configuration = ({ files, folder, hub, topic, port }: BridgeOptions, own: number): string =>
  [
    "user root",
    `listener ${own} 127.0.0.1`,
    "allow_anonymous true",
    "persistence true",
    `persistence_location ${folder}/`,
    // Nothing is dropped, and nothing waits for a place.
    "max_queued_messages 0",
    "max_inflight_messages 0",
    "set_tcp_nodelay true",
    "connection region",
    `address localhost:${port}`,
    `topic ${topic} out 1`,
    `remote_clientid ${hub}`,
    `bridge_cafile ${files.ca}`,
    `bridge_certfile ${files.hub.certificate}`,
    `bridge_keyfile ${files.hub.key}`,
    "cleansession false",
    "notifications false",
    "try_private false",
    "restart_timeout 1",
    "",
  ].join("\n");

export const startBridge = async (options: BridgeOptions): Promise<Bridge> => {
  const program = pathOf("mosquitto");
  if (program === null) throw new Error("mosquitto is not installed; see tests/support/requirements.ts");
  await mkdir(options.folder, { recursive: true });
  const port = await freePort();
  const file = join(options.folder, "bridge.conf");
  await writeFile(file, configuration(options, port));
  const child: ChildProcess = spawn(program, ["-c", file], { stdio: "ignore" });
  const ended = once(child, "exit");
  await until(() => listens(port), "the bridge listens");
  return {
    url: `mqtt://localhost:${port}`,
    cpuMs: async () => {
      const text = await readFile(`/proc/${child.pid}/stat`, "utf8");
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[UTIME]) + Number(fields[UTIME + 1])) * TICK_MS;
    },
    freeze: () => {
      child.kill("SIGSTOP");
    },
    thaw: () => {
      child.kill("SIGCONT");
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      await ended;
    },
  };
};
