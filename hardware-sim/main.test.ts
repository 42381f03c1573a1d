import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import * as nodePty from "node-pty";
import { describe, expect, it } from "vitest";
import { until } from "../tests/support/until.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const HUB = fileURLToPath(new URL("./home/stand-in-hub.ts", import.meta.url));

/** Folders of simulated homes of the process `pid`'s time; other runs may be under way on this machine. */
const folders = (): Set<string> => new Set(readdirSync(tmpdir()).filter((name) => name.startsWith("hemhub-home-")));

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
};

const run = (...args: string[]) => {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (data: Buffer) => {
    out += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    err += data.toString();
  });
  const events = (): { event?: string; state?: string; pid?: number; summary?: Record<string, unknown> }[] =>
    out
      .split("\n")
      .filter((line) => line.endsWith("}"))
      .map((line) => JSON.parse(line));
  return {
    child,
    events,
    out: () => out,
    err: () => err,
    ended: once(child, "close").then(([code]) => code as number),
    hubPid: () => until(() => events().find((one) => one.state === "ready")?.pid, "the hub is ready"),
  };
};

describe("npm start", () => {
  it("ends by itself with the summary as its last line and exit 0", async () => {
    const { ended, events, out } = run("--json", "--seconds", "1", "--scenario", "still", "--hub", HUB);
    expect(await ended).toBe(0);
    expect(out().endsWith("}\n")).toBe(true);
    expect(events().at(-1)?.summary).toMatchObject({ taken: 0, lost: 0, duplicatesInEffect: 0, problems: [], seed: 1 });
    expect(events().map((one) => one.event)).toContain("hub");
  });

  it("ends with exit 1 and says what is lost when the hub does not deliver", async () => {
    const { child, ended, events, hubPid } = run("--json", "--seconds", "4", "--scenario", "quiet", "--hub", HUB);
    await hubPid();
    await until(
      () => events().some((one) => one.event === "taken" && "sensor" in one && one.sensor === "cuff"),
      "cuff",
    );
    child.kill("SIGINT");
    await until(() => events().some((one) => "phase" in one && one.phase === "draining"), "the measuring ended");
    // The first ends the measuring, the second the wait for what the stand-in will never fetch.
    child.kill("SIGINT");
    expect(await ended).toBe(1);
    const summary = events().at(-1)?.summary;
    expect(summary).toMatchObject({ lost: 1, drained: false });
    expect(summary?.problems).toContainEqual(expect.stringMatching(/^lost: cuff 1/));
  });

  it("ends in order on a signal, and takes hub and folder with it", async () => {
    const before = folders();
    const { child, ended, events, hubPid } = run("--json", "--scenario", "still", "--hub", HUB);
    const pid = await hubPid();
    const own = [...folders().difference(before)];
    expect(own.length).toBeGreaterThan(0);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(events().at(-1)?.summary).toMatchObject({ lost: 0 });
    expect(isAlive(pid)).toBe(false);
    const left = folders();
    expect(own.some((name) => !left.has(name))).toBe(true);
  });

  it("takes the hub with it when whoever reads the events goes away", async () => {
    const { child, ended, hubPid } = run("--json", "--seconds", "60", "--scenario", "still", "--hub", HUB);
    const pid = await hubPid();
    child.stdout.destroy();
    child.kill("SIGTERM");
    await ended;
    expect(isAlive(pid)).toBe(false);
  });

  it("says in one sentence that options are wrong (exit 2) or that the hub does not start (exit 1)", async () => {
    const wrong = run("--scenario", "night");
    expect(await wrong.ended).toBe(2);
    expect(wrong.err()).toMatch(/^npm start: scenario "night": .*\n$/);
    const broken = run("--json", "--hub", fileURLToPath(new URL("./home/view.test.ts", import.meta.url)));
    expect(await broken.ended).toBe(1);
    expect(broken.err()).toMatch(/^npm start: hub: ended before it was ready \(exit code 1\)/);
  });

  it("shows help", async () => {
    const { ended, out } = run("--help");
    expect(await ended).toBe(0);
    expect(out()).toContain("npm start -- --seconds 30 --json");
  });

  it("draws on a terminal, obeys its keys, and gives the terminal back", async () => {
    const terminal = nodePty.spawn(process.execPath, [MAIN, "--scenario", "still", "--hub", HUB], {
      cols: 80,
      rows: 24,
    });
    let screen = "";
    terminal.onData((data) => {
      screen += data;
    });
    const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    await until(() => screen.includes("Hub ready"), "the hub is ready");
    await until(() => screen.includes("Link up"), "the link is up");
    terminal.write("s");
    await until(() => screen.includes("receipted 1"), "the reading was receipted");
    terminal.write("n");
    await until(() => screen.includes("Network cut"), "the network is cut");
    terminal.write("n");
    terminal.write("k");
    await until(() => screen.includes("started 2 times"), "the hub came back");
    terminal.write("q");
    expect(await ended).toBe(0);
    expect(screen).toContain("\u001b[?1049h");
    expect(screen.slice(screen.lastIndexOf("\u001b[?1049l"))).toContain("1 taken, 1 receipted, 0 lost");
    expect(screen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(screen.lastIndexOf("\u001b[?25l"));
  });
});
