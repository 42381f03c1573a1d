import { afterEach, describe, expect, it, vi } from "vitest";
import type { Output } from "./output.ts";
import { runCli } from "./program.ts";

/** Run a command line in this process; commander writes its own complaints to the real standard error. */
const run = async (...argv: readonly string[]): Promise<{ exit: number; out: string; err: string }> => {
  let out = "";
  let err = "";
  const output: Output = {
    write: async (text) => {
      out += text;
    },
    complain: (sentence) => {
      err += `${sentence}\n`;
    },
  };
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  return { exit: await runCli(argv, output), out, err };
};

afterEach(() => vi.restoreAllMocks());

describe("hemhub", () => {
  it("tells its version to people and programs", async () => {
    expect(await run("version")).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^hemhub \d+\.\d+\.\d+ \(Node /),
    });
    expect(JSON.parse((await run("version", "--json")).out)).toEqual({
      hub: expect.stringMatching(/^\d/),
      node: process.versions.node,
    });
  });

  it.each([
    [[], 2, /Usage: hemhub/],
    [["statsu"], 2, /unknown command 'statsu'\n\(Did you mean status\?\)/],
    [["status", "--jsn"], 2, /unknown option '--jsn'/],
    [["run"], 2, /required option '--config <file>'/],
    [["sensor"], 2, /Usage: hemhub sensor/],
    [["config", "check"], 2, /missing required argument 'file'/],
  ])("refuses %j as wrong usage, with the way out", async (argv, exit, complaint) => {
    const result = await run(...argv);
    expect(result.exit).toBe(exit);
    expect(result.err).toMatch(complaint);
    expect(result.err).not.toMatch(/\n\s+at /);
  });

  it("helps with exit 0 and names the exit codes", async () => {
    const { exit, out } = await run("--help");
    expect(exit).toBe(0);
    expect(out).toContain("Exit codes: 0 ok");
  });

  it("checks a configuration: exit 1 and every problem", async () => {
    expect(await run("config", "check", "/nowhere.yaml")).toMatchObject({
      exit: 1,
      err: "/nowhere.yaml: cannot be read (no such file); give the hub's configuration file\n",
    });
    expect(JSON.parse((await run("config", "check", "/nowhere.yaml", "--json")).out)).toMatchObject({
      ok: false,
      problems: [{ line: 0 }],
    });
  });

  it.each(["run", "status"])(
    "refuses %s with a wrong configuration as wrong usage, and names its problem",
    async (command) => {
      expect(await run(command, "--config", "/nowhere.yaml")).toMatchObject({
        exit: 2,
        err: expect.stringContaining("/nowhere.yaml: cannot be read"),
      });
    },
  );

  it("answers 4 where no hub runs, with the next step", async () => {
    const { exit, err, out } = await run("status", "--socket", "/nowhere/hub.sock", "--json");
    expect(exit).toBe(4);
    expect(out).toBe("");
    expect(err).toMatch(/^no hub answers at \/nowhere\/hub\.sock \(no such file\); start it with hemhub run/);
  });
});
