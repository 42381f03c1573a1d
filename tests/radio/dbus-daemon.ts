import { spawn } from "node:child_process";
import { type EventEmitter, once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Message, type MessageBus, sessionBus } from "dbus-next";
import { pathOf } from "../support/requirements.ts";

/** A bus of its own, by the reference daemon. */
export interface DbusDaemon extends AsyncDisposable {
  /** For `busAddress`. */
  readonly address: string;
  /** Match rules of every connection, by its unique name, as the daemon holds them. */
  matchRules(): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The daemon ends, and every connection with it. */
  stop(): Promise<void>;
}

const OPEN_POLICY = `<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>`;

/** Connect to a bus that may be gone at any moment, which is an error nobody has to hear of. */
export const busAt = (busAddress: string): MessageBus => {
  const bus = sessionBus({ busAddress });
  (bus as EventEmitter).on("error", () => undefined);
  return bus;
};

/** Start a bus in a folder of its own; `policy` is added to one that allows everything. Needs the requirement `dbus-daemon`. */
export const startDbusDaemon = async (policy = ""): Promise<DbusDaemon> => {
  const folder = await mkdtemp(path.join(tmpdir(), "hemhub-dbus-"));
  const file = path.join(folder, "bus.conf");
  const address = `unix:path=${path.join(folder, "bus")}`;
  await writeFile(
    file,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
      "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
    <busconfig><type>custom</type><listen>${address}</listen><auth>EXTERNAL</auth>
    <policy context="default">${OPEN_POLICY}${policy}</policy></busconfig>`,
  );
  const program = pathOf("dbus-daemon") ?? "dbus-daemon";
  const child = spawn(program, [`--config-file=${file}`, "--nofork", "--nopidfile", "--print-address"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const gone = once(child, "exit");
  // Said when it listens.
  await once(createInterface(child.stdout), "line");

  const stop = async (): Promise<void> => {
    // Without a farewell to anybody.
    child.kill("SIGKILL");
    await gone;
  };

  return {
    address,
    stop,
    matchRules: async () => {
      const bus = busAt(address);
      try {
        const answer = await bus.call(
          new Message({
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus.Debug.Stats",
            member: "GetAllMatchRules",
          }),
        );
        return new Map(Object.entries((answer?.body[0] ?? {}) as Record<string, string[]>));
      } finally {
        bus.disconnect();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
