import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { childStdio } from "../../hardware-sim/pty/child-stdio.ts";
import type { Pty } from "../../hardware-sim/pty/pty.ts";
import type { CredentialFiles } from "../../hardware-sim/region/credential-files.ts";
import { HUB } from "./region-end.ts";

/** A hub or a peer of it as a process of its own. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** When it was started, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
  readonly lines: readonly string[];
  readonly process: ChildProcess;
  /** Resolves when it has ended and everything it said has been read. */
  readonly ended: Promise<unknown>;
  /** Signal, and wait for its end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  /** Serial lines that it opens. */
  readonly ptys?: readonly Pty[];
}

export const startChild = (command: readonly string[], { env = {}, onLine, ptys = [] }: ChildOptions = {}): Child => {
  const [program = "", ...args] = command;
  const lines: string[] = [];
  const startedAt = performance.now();
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: childStdio(ptys, ["ignore", "pipe", "inherit"]),
  });
  if (child.stdout === null) throw new Error(`${program}: no standard output`);
  const closed = once(child, "close");
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    onLine?.(line);
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await closed;
  };
  return {
    pid: child.pid ?? 0,
    startedAt,
    lines,
    process: child,
    ended: closed,
    end,
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
};

export interface HubFiles {
  readonly config: string;
  readonly dataDir: string;
  readonly outbox: string;
}

/** An ordinary configuration in `folder`; `more` adds sections. */
export const writeHubFiles = async (
  folder: string,
  port: number,
  files: CredentialFiles,
  more: Readonly<Record<string, unknown>> = {},
): Promise<HubFiles> => {
  const config = join(folder, "hub.yaml");
  const dataDir = join(folder, "data");
  await mkdir(dirname(config), { recursive: true });
  const written = {
    hub: { id: HUB, assignment: "a-7f3c9b", dataDir, timeZone: "Europe/Stockholm" },
    region: {
      url: `mqtts://localhost:${port}`,
      ca: [files.ca],
      certificate: files.hub.certificate,
      key: files.hub.key,
    },
    sensors: [],
    ...more,
  };
  await writeFile(config, stringify(written));
  return { config, dataDir, outbox: join(dataDir, "outbox") };
};
