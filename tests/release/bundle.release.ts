import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import { loadReadyCatalogue } from "../../drivers/catalogue/ready-catalogue.ts";
import { bundle } from "../../scripts/bundle.mjs";
import { ROOT } from "../../scripts/setup.mjs";
import { warm } from "../../scripts/warm.mjs";

const run = promisify(execFile);

let folder = "";
let inputs: readonly string[] = [];

/** Inside the checkout, so that the native packages beside it are found as they are in a release. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(ROOT, "dist-release-"));
  inputs = await bundle(folder);
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const hemhub = (...args: readonly string[]) => run(process.execPath, [path.join(folder, "hemhub.mjs"), ...args]);

it("holds nothing of the simulator, the tests or the benchmarks", () => {
  const ours = /^(hardware-sim|tests|bench|region)\//;
  const tools = /node_modules\/(aedes|node-pty|vitest|fast-check|@peculiar\/x509|@stoprocent\/bleno)\//;
  expect(inputs.filter((file) => ours.test(file) || tools.test(file) || file.endsWith(".test.ts"))).toEqual([]);
  expect(inputs).toContain("gateway/main.ts");
  expect(readFileSync(path.join(folder, "hemhub.mjs"), "utf8").includes("hardware-sim")).toBe(false);
});

it("ships every entry of the certified catalogue, and the example questionnaire", () => {
  const entries = (where: string): string[] => readdirSync(where).filter((file) => file.endsWith(".yaml"));
  expect(entries(path.join(folder, "catalogue"))).toEqual(entries(path.join(ROOT, "drivers", "catalogue")));
  expect(entries(path.join(folder, "questionnaires"))).toEqual(["heart-failure-short.yaml"]);
});

it("starts a hub from what was compiled before", async () => {
  await warm(folder);
  const cached = readdirSync(path.join(folder, "compile-cache"), { recursive: true });
  expect(cached.length).toBeGreaterThan(10);
  // Nothing of the sources is compiled again: the second start adds nothing to what lies there.
  await warm(folder);
  expect(readdirSync(path.join(folder, "compile-cache"), { recursive: true })).toEqual(cached);
}, 120_000);

it("brings its schema checks compiled", () => {
  expect(inputs).toContain("gateway/config/config-schema-check.ts");
  // What would compile them.
  expect(inputs).not.toContain("protocol/schema-check.ts");
});

it("has the catalogue read already, and takes the texts where they are others", async () => {
  const catalogue = path.join(folder, "catalogue");
  const ready = await loadReadyCatalogue(catalogue);
  expect(ready.entries).toEqual((await loadCatalogue(catalogue)).entries);
  const text = path.join(catalogue, "and-ek-l.yaml");
  const written = readFileSync(text, "utf8");
  writeFileSync(text, written.replace("id: and-ek-l", "id: and-other"));
  await expect(loadReadyCatalogue(catalogue)).rejects.toThrow("and-ek-l.yaml");
  writeFileSync(text, written);
});

it("says its version", async () => {
  const { stdout } = await hemhub("version", "--json");
  const version = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")).version;
  expect(JSON.parse(stdout)).toMatchObject({ hub: version });
});

it("decodes a published vector as the sources do", async () => {
  const { stdout } = await hemhub("decode", "ble.2a35", "167c0056006100e807060f11111b33000000", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ systolic: 124, diastolic: 86, map: 97, pulse: 51, unit: "mm[Hg]" });
});

it("checks a configuration and names what is wrong with it", async () => {
  const file = path.join(ROOT, "tests", "release", "wrong-model.yaml");
  const failed = await hemhub("config", "check", file).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 1 });
  expect(String((failed as { stderr: string }).stderr)).toContain("no-such-scale");
});
