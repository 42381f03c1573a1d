import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { childStdio } from "../../../hardware-sim/pty/child-stdio.ts";
import type { Pty } from "../../../hardware-sim/pty/pty.ts";
import { createCertificateAuthority } from "../../../hardware-sim/region/certificates.ts";
import { writeCredentials } from "../../../hardware-sim/region/credential-files.ts";
import { epochMs } from "../../../protocol/time.ts";
import { until } from "../../support/until.ts";

/** The program; `node` runs it. */
export const MAIN = resolve(import.meta.dirname, "../../../gateway/main.ts");

/** Compiled code is shared by the processes of one test run, as a supervisor does for a hub. */
export const ENVIRONMENT = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "hemhub-test-compile-cache") };

export interface Ended {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** Run `hemhub` with `args` to its end; as another user where `uid` is given, which only root may. */
export const hemhub = async (args: readonly string[], input = "", uid?: number): Promise<Ended> => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: ENVIRONMENT,
    ...(uid === undefined ? {} : { uid }),
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  // A command that does not read its input may be gone before all of it is written.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [exit, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { exit, signal, out, err };
};

/** One line of a hub's log. */
export type LogLine = Readonly<Record<string, string | number | boolean | null>> & { readonly msg: string };

export interface TestHome extends AsyncDisposable {
  readonly folder: string;
  readonly configFile: string;
  readonly socket: string;
}

export interface TestHub extends TestHome {
  readonly pid: number;
  readonly log: readonly LogLine[];
  /** Everything on standard output, as it came, and on standard error. */
  readonly out: () => string;
  readonly err: () => string;
  /** The first line with this message, when it comes. */
  logged(msg: string): Promise<LogLine>;
  /** Ask over the socket as `hemhub NAME` does. */
  ask(...words: readonly string[]): Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Whoever reads the log goes away: what the hub writes from now on fails. */
  closeLog(): void;
  ended(): Promise<{ readonly exit: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** A folder with certificates of its own and an ordinary configuration; `changes` replaces its sections. */
export const testHome = async (changes: Readonly<Record<string, unknown>> = {}): Promise<TestHome> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-hub-"));
  const authority = await createCertificateAuthority("test region", epochMs(Date.now()));
  const files = await writeCredentials(authority, join(folder, "tls"), "hub-0042");
  const configFile = join(folder, "hub.yaml");
  const config = {
    hub: { id: "hub-0042", assignment: "a-7f3c9b", dataDir: "./data", timeZone: "Europe/Stockholm" },
    // Port 1 is tcpmux: nobody listens there.
    region: { url: "mqtts://127.0.0.1:1", ca: [files.ca], certificate: files.hub.certificate, key: files.hub.key },
    sensors: [],
    diagnostics: { socket: "./hemhub.sock" },
    log: { level: "debug" },
    ...changes,
  };
  await writeFile(configFile, stringify(config));
  return {
    folder,
    configFile,
    socket: join(folder, "hemhub.sock"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};

/**
 * Start a hub in a home, or in a new one with `changes`, `environment` on top of this process's own; resolves when it
 * says that it is ready. Disposal kills it and
 * removes the home that was made for it.
 */
export const startHub = async (
  given: TestHome | Readonly<Record<string, unknown>> = {},
  ptys: readonly Pty[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<TestHub> => {
  const isHome = "configFile" in given;
  const home = isHome ? (given as TestHome) : await testHome(given);
  const child = spawn(process.execPath, [MAIN, "run", "--config", home.configFile], {
    env: { ...ENVIRONMENT, ...environment },
    stdio: childStdio(ptys, ["ignore", "pipe", "pipe"]),
  });
  const closed = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const log: LogLine[] = [];
  let out = "";
  let err = "";
  if (child.stdout === null || child.stderr === null) throw new Error("the hub has no output");
  const { stdout } = child;
  createInterface({ input: stdout }).on("line", (line) => {
    out += `${line}\n`;
    log.push(JSON.parse(line) as LogLine);
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const logged = (msg: string): Promise<LogLine> =>
    until(
      () => {
        const line = log.find((one) => one.msg === msg);
        if (line === undefined && child.exitCode !== null) throw new Error(`the hub ended: ${err}`);
        return line;
      },
      `the hub logs "${msg}"`,
      40_000,
    );
  const ended = async () => {
    const [exit, signal] = await closed;
    return { exit, signal };
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await closed;
    if (!isHome) await home[Symbol.asyncDispose]();
  };
  try {
    await logged("hub ready");
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    ...home,
    pid: child.pid ?? 0,
    log,
    out: () => out,
    err: () => err,
    logged,
    ask: (...words) => hemhub([...words, "--socket", home.socket]),
    kill: (signal) => void child.kill(signal),
    closeLog: () => stdout.destroy(),
    ended,
    [Symbol.asyncDispose]: stop,
  };
};
