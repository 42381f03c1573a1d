import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { HELP, parseRunOptions } from "./run-options.ts";
import { SCENARIOS } from "./scenario.ts";

const wrong = (...args: string[]): string => {
  const parsed = parseRunOptions(args);
  return parsed.tag === "wrong" ? parsed.message : `accepted: ${JSON.stringify(parsed)}`;
};

describe("options of npm start", () => {
  it("have defaults that show everything", () => {
    expect(parseRunOptions([])).toMatchObject({
      tag: "run",
      options: { seconds: null, json: false, scenario: { name: "day" }, seed: 1 },
    });
    const parsed = parseRunOptions([]);
    expect(parsed.tag === "run" && parsed.options.hub[1]).toMatch(/gateway\/main\.ts$/);
  });

  it("are taken as given", () => {
    expect(
      parseRunOptions(["--seconds", "30", "--json", "--scenario=busy", "--seed", "7", "--hub", import.meta.filename]),
    ).toMatchObject({
      options: {
        seconds: 30,
        json: true,
        scenario: { name: "busy" },
        seed: 7,
        hub: [process.execPath, import.meta.filename],
      },
    });
    expect(parseRunOptions(["--help"]).tag).toBe("help");
    expect(parseRunOptions(["--hub", process.execPath])).toMatchObject({ options: { hub: [process.execPath] } });
  });

  it("take updates where the hub is a release, and refuse the scenario of updates where it is none", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "hemhub-options-"));
    const program = path.join(folder, "hemhub");
    await writeFile(program, "");
    const parsed = parseRunOptions(["--hub", program, "--scenario", "update"]);
    expect(parsed).toMatchObject({ options: { hub: [program], updates: { base: folder } } });
    const { publisher = [], launcher = "" } = (parsed.tag === "run" && parsed.options.updates) || {};
    expect([launcher, publisher[1] ?? ""].every((file) => existsSync(file))).toBe(true);
    expect(parseRunOptions([])).toMatchObject({ options: { updates: null } });
    expect(wrong("--scenario", "update")).toMatch(/the hub is no release; give --hub dist\/hemhub/);
    await rm(folder, { recursive: true });
  });

  it.each([
    [["--seconds", "soon"], /--seconds soon: give a number from 1 to 86400/],
    [["--seconds", "0"], /from 1 to/],
    [["--seconds", ""], /from 1 to/],
    [["--seconds"], /seconds/],
    [["--seed", "1.5"], /--seed 1\.5: give a whole number/],
    [["--scenario", "night"], /use day, busy, quiet, rough, update, still/],
    [["--hub", "/no/such/hub"], /there is no such file/],
    [["--fast"], /--fast/],
    [["day"], /day/],
  ])("say in one sentence what is wrong with %s", (args, message) => {
    expect(wrong(...args)).toMatch(message);
    expect(wrong(...args)).toMatch(/^npm start: .*--help shows all options\)$/);
  });

  it("are all in the help, which fits 80 columns", () => {
    const text = HELP.join("\n");
    for (const option of ["--seconds", "--json", "--scenario", "--seed", "--hub", "--help"])
      expect(text).toContain(option);
    for (const { name } of SCENARIOS) expect(text).toContain(name);
    for (const line of HELP) expect(line.length).toBeLessThanOrEqual(120);
  });
});
