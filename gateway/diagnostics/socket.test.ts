import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleHub } from "../../tests/gateway/support/sample-hub-view.ts";
import { until } from "../../tests/support/until.ts";
import { askHub } from "../cli/ask-hub.ts";
import { createSystemClock } from "../clock/system-clock.ts";
import type { DiagnosticCommand } from "./command.ts";
import { hubCommands } from "./hub-commands.ts";
import { createRegistry } from "./registry.ts";
import { createDiagnosticSocket, hubAnswersAt } from "./socket-server.ts";

const clock = createSystemClock();
let folder: string;
let path: string;
let stop: AbortController;
let running: Promise<void> = Promise.resolve();

const serve = async (commands: readonly DiagnosticCommand[] = hubCommands(sampleHub())): Promise<void> => {
  running = createDiagnosticSocket({ path, registry: createRegistry(commands), clock }).run(stop.signal);
  running.catch(() => undefined);
  await until(() => hubAnswersAt(path), "the socket answers");
};

const ask = (command: string, json = false) => Array.fromAsync(askHub(path, { command, args: [], json }, clock));

/** Everything that is answered to `text`, until the hub closes. */
const raw = async (text: string | Uint8Array): Promise<string> => {
  const socket = connect(path);
  socket.on("error", () => undefined);
  socket.write(text);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  await once(socket, "close");
  return answer;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-socket-"));
  path = join(folder, "run", "hemhub.sock");
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await running.catch(() => undefined);
  await rm(folder, { recursive: true });
});

describe("diagnostic socket", () => {
  it("answers a command with its lines, or its data, and then done", async () => {
    await serve();
    const lines = await ask("sensor list");
    expect(lines[0]).toEqual({ line: expect.stringContaining("SENSOR") });
    expect(lines.at(-1)).toEqual({ done: true, exit: 0 });
    const data = await ask("status", true);
    expect(data).toMatchObject([{ data: { hub: { id: "hub-0042" } } }, { done: true, exit: 0 }]);
  });

  it("is a file that only the hub's user can open, and is gone when the hub is", async () => {
    await serve();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    stop.abort();
    await running;
    await expect(stat(path)).rejects.toThrow(/ENOENT/);
  });

  it("replaces the file that a killed hub left behind", async () => {
    const script = `require("node:net").createServer().listen(${JSON.stringify(join(folder, "killed.sock"))})`;
    const killed = spawn(process.execPath, ["-e", script], { stdio: "ignore" });
    path = join(folder, "killed.sock");
    await until(() => hubAnswersAt(path), "the first hub answers");
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect((await stat(path)).isSocket()).toBe(true);
    await serve();
    expect((await ask("status")).at(-1)).toEqual({ done: true, exit: 0 });
  });

  it("leaves another hub's socket and other files alone, with one sentence", async () => {
    await serve();
    const second = createDiagnosticSocket({ path, registry: createRegistry([]), clock });
    await expect(second.run(new AbortController().signal)).rejects.toThrow(/another hub answers there; stop it/);
    const file = join(folder, "precious");
    await writeFile(file, "x");
    const onFile = createDiagnosticSocket({ path: file, registry: createRegistry([]), clock });
    await expect(onFile.run(new AbortController().signal)).rejects.toThrow(/is in the way; move it away/);
    const below = createDiagnosticSocket({ path: join(file, "s"), registry: createRegistry([]), clock });
    await expect(below.run(new AbortController().signal)).rejects.toMatchObject({ code: "invalid-config" });
    expect(await hubAnswersAt(path)).toBe(true);
  });

  it.each(["hello\n", "[]\n", '{"command":7}\n', '{"command":"status","args":"x"}\n', `${"x".repeat(10_000)}\n`])(
    "answers %j with what it expects, as wrong usage",
    async (text) => {
      await serve();
      const frames = (await raw(text))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object);
      expect(frames).toEqual([
        { error: expect.stringContaining("expected one line such as") },
        { done: true, exit: 2 },
      ]);
    },
  );

  it("goes on when an asker leaves in mid-answer or says nothing", async () => {
    const endless: DiagnosticCommand = {
      name: "endless",
      summary: "never ends",
      role: "view",
      async *run(_, signal) {
        while (!signal.aborted) yield { tag: "text", text: "x".repeat(70) };
      },
    };
    await serve([endless]);
    const rude = connect(path);
    rude.write('{"command":"endless"}\n');
    await once(rude, "data");
    rude.destroy();
    const silent = connect(path);
    await once(silent, "connect");
    silent.destroy();
    expect((await ask("help")).at(-1)).toEqual({ done: true, exit: 0 });
  });

  it("serves eight askers at once and tells the ninth that it is busy", async () => {
    await serve();
    const idle = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = connect(path);
        socket.on("error", () => undefined);
        await once(socket, "connect");
        return socket;
      }),
    );
    await until(async () => JSON.stringify(await ask("status")).includes("askers already"), "the ninth is refused");
    expect((await ask("status")).at(-1)).toEqual({ done: true, exit: 5 });
    for (const socket of idle) socket.destroy();
    await until(async () => !JSON.stringify(await ask("status")).includes("askers already"), "there is room again");
  });

  it("ends its answers when the hub stops", async () => {
    await serve();
    const waiting = connect(path);
    waiting.on("error", () => undefined);
    await once(waiting, "connect");
    const closed = once(waiting, "close");
    stop.abort();
    await running;
    await closed;
  });
});

describe("askHub", () => {
  it("says that no hub answers where there is none, and what to do", async () => {
    expect(await ask("status")).toEqual([
      {
        unasked: {
          tag: "unreachable",
          sentence: `no hub answers at ${path} (no such file); start it with hemhub run --config FILE, or name its socket with --socket`,
        },
      },
    ]);
  });

  it("notices that what answers is not a hub, and that an answer broke off", async () => {
    const other = join(folder, "other.sock");
    const server = createServer((socket) => {
      socket.once("data", () => socket.end(answer));
      socket.on("error", () => undefined);
    }).listen(other);
    await once(server, "listening");
    let answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    const asking = () => Array.fromAsync(askHub(other, { command: "status", args: [], json: false }, clock));
    await expect(asking()).rejects.toThrow(/is not a hub/);
    answer = '{"line":"hub"}\n';
    await expect(asking()).rejects.toThrow(/broke off its answer; look at its log/);
    server.close();
  });
});
