import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { pathOf } from "../support/requirements.ts";

/** A chronyd of its own on loopback, which touches neither the machine's clock (`-x`) nor any fixed port. */
export interface Chronyd extends AsyncDisposable {
  readonly commandPort: number;
  readonly ntpPort: number;
  signal(name: NodeJS.Signals): void;
  /** Ends it at once; its ports are free when it resolves. */
  kill(): Promise<void>;
}

export const freeUdpPort = async (): Promise<number> => {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
};

/** It is running when this resolves, and may not be listening yet. */
export const startChronyd = async (settings: readonly string[]): Promise<Chronyd> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-chronyd-"));
  const [commandPort, ntpPort] = [await freeUdpPort(), await freeUdpPort()];
  const file = join(folder, "chrony.conf");
  const lines = [
    ...settings,
    `port ${ntpPort}`,
    `cmdport ${commandPort}`,
    "bindaddress 127.0.0.1",
    "bindcmdaddress 127.0.0.1",
    // No command socket: it wants a folder of its own below /run.
    "bindcmdaddress /",
    "allow 127.0.0.1",
    `pidfile ${join(folder, "pid")}`,
    "",
  ];
  await writeFile(file, lines.join("\n"));
  const args = ["-d", "-x", "-U", "-u", userInfo().username, "-f", file];
  const child: ChildProcess = spawn(pathOf("chronyd") ?? "chronyd", args, { stdio: "ignore" });
  const gone = once(child, "exit");
  await once(child, "spawn");

  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  return {
    commandPort,
    ntpPort,
    signal: (name) => void child.kill(name),
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
