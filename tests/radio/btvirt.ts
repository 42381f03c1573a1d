import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { childStdio } from "../../hardware-sim/pty/child-stdio.ts";
import { openPty, type Pty } from "../../hardware-sim/pty/pty.ts";
import { pathOf } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const STUB = path.join(import.meta.dirname, "afalg-stub.c");

/** BlueZ's Bluetooth emulator: every controller that it serves hears every other. */
export interface Btvirt extends AsyncDisposable {
  /** Its unix socket for LE controllers, one for each client. */
  readonly server: string;
  /** A new LE controller on a serial line of its own. */
  controller(): Promise<Pty>;
}

const carry = async (pty: Pty, socket: Socket): Promise<void> => {
  socket.on("data", (bytes) => void pty.write(bytes));
  for await (const bytes of pty.incoming) socket.write(bytes);
  socket.destroy();
};

const opened = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });

/** Start btvirt with sockets in a folder of its own. Needs the requirements `btvirt` and `cc`. */
export const startBtvirt = async (): Promise<Btvirt> => {
  const folder = await mkdtemp(path.join(tmpdir(), "hemhub-btvirt-"));
  const stub = path.join(folder, "stub.so");
  await promisify(execFile)(pathOf("cc") ?? "cc", ["-shared", "-fPIC", "-o", stub, STUB, "-ldl"]);
  const child = spawn(pathOf("btvirt") ?? "btvirt", ["-s"], {
    stdio: childStdio([], ["ignore", "ignore", "inherit"]),
    env: { ...process.env, LD_PRELOAD: stub, BTVIRT_FOLDER: folder },
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const server = path.join(folder, "le");
  const lines: { readonly pty: Pty; readonly carried: Promise<void>; readonly socket: Socket }[] = [];
  await until(() => existsSync(server), "btvirt serves LE controllers");

  return {
    server,
    controller: async () => {
      const pty = await openPty();
      const socket = connect(server);
      await opened(socket);
      socket.on("error", () => undefined);
      lines.push({ pty, socket, carried: carry(pty, socket) });
      return pty;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { pty, carried, socket } of lines) {
        await pty.close();
        await carried;
        socket.destroy();
      }
      child.kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
};
