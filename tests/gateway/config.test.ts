import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hemhub, testHome } from "./support/test-hub.ts";

/** What a person sees who starts a hub with this file: exit code and sentences. */
const startWith = async (
  change: (text: string) => string,
): Promise<{ readonly exit: number | null; readonly sentences: readonly string[] }> => {
  await using home = await testHome();
  await writeFile(home.configFile, change(await readFile(home.configFile, "utf8")));
  const { exit, err, out } = await hemhub(["run", "--config", home.configFile]);
  expect(out).toBe("");
  const sentences = err.trimEnd().replaceAll(`hemhub: ${home.folder}/`, "").split("\n");
  return { exit, sentences };
};

it.each<[string, (text: string) => string, RegExp]>([
  [
    "a wrong key",
    (text) => text.replace("timeZone:", "timezone:"),
    /hub\.timezone: unknown key \(did you mean timeZone\?\)/,
  ],
  [
    "a wrong type",
    (text) => text.replace("sensors: []", "sensors: none"),
    /sensors: expected a list of up to 64 sensors, found "none"$/,
  ],
  [
    "a missing part",
    (text) => text.replace(/^region:[\s\S]*?(?=^\w)/m, ""),
    /^hub\.yaml:1:1 region: required, but missing$/,
  ],
  ["wrong YAML", (text) => `${text}\n  - [`, /^hub\.yaml:\d+:\d+: not valid YAML: /],
  ["nothing", () => "", /^hub\.yaml: the file is empty; it needs hub and region$/],
])("answers %s in the configuration with its place, what was expected, and exit 2", async (_, change, sentence) => {
  const { exit, sentences } = await startWith(change);
  expect(exit).toBe(2);
  expect(sentences).toContainEqual(expect.stringMatching(sentence));
  expect(sentences.join("\n")).not.toMatch(/\n\s+at |node:internal/);
});

it("names every problem of a file at once in config check, with the catalogue's, and in JSON", async () => {
  await using home = await testHome({
    sensors: [
      { id: "scale", model: "no-such-scale", serial: { path: "/dev/ttyUSB0" } },
      { id: "cuff", model: "nonin-3150", serial: { path: "/dev/ttyUSB1" } },
    ],
  });
  const wrongModel = await hemhub(["config", "check", home.configFile]);
  expect(wrongModel).toMatchObject({ exit: 1, out: "" });
  expect(wrongModel.err).toMatch(
    /hub\.yaml:\d+:\d+ sensors\[0\]\.model: sensor scale: model no-such-scale is not in the catalogue/,
  );
  expect(wrongModel.err.trimEnd().split("\n")).toHaveLength(1);

  await appendFile(home.configFile, "colour: red\nlogs: {}\n");
  const two = await hemhub(["config", "check", home.configFile, "--json"]);
  expect(two.exit).toBe(1);
  expect(JSON.parse(two.out)).toMatchObject({
    ok: false,
    problems: [{ path: "colour" }, { path: "logs", message: expect.stringContaining("did you mean log?") }],
  });
});

it("passes a good file with exit 0", async () => {
  await using home = await testHome();
  const { exit, out } = await hemhub(["config", "check", home.configFile]);
  expect(exit).toBe(0);
  expect(out).toMatch(/hub\.yaml: ok, hub hub-0042, 0 sensors\n$/);
});

it("says in one sentence that there is no file", async () => {
  const file = join("/nowhere", "hub.yaml");
  const { exit, err } = await hemhub(["run", "--config", file]);
  expect(exit).toBe(2);
  expect(err).toBe(`hemhub: ${file}: cannot be read (no such file); give the hub's configuration file\n`);
});
