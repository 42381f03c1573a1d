import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createTestRepository } from "../ota/repository.ts";
import { startWebServer } from "../ota/web-server.ts";

const CLIENT = fileURLToPath(new URL("tuf-client", import.meta.url));

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-tuf-client-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const run = (...words: string[]): Promise<number | null> =>
  new Promise((resolve) => {
    spawn(CLIENT, words, { stdio: "ignore" }).once("close", resolve);
  });

it("answers to the command line of the public conformance suite", async () => {
  const region = createTestRepository();
  region.addTarget("path/to/file.txt", Buffer.from("content"));
  region.publish();
  await using web = await startWebServer(region.files);
  const base = /server (\S+)$/.exec(web.source.name)?.[1] ?? "";
  const [metadata, targets, root] = ["metadata", "targets", "root.json"].map((name) => join(place, name)) as [
    string,
    string,
    string,
  ];
  const from = ["--metadata-dir", metadata, "--metadata-url", `http://${base}/metadata/`];
  const to = ["--target-base-url", `http://${base}/targets/`, "--target-dir", targets];
  await writeFile(root, region.firstRoot);

  expect(await run("--metadata-dir", metadata, "init", root)).toBe(0);
  expect(web.asked).toEqual([]);
  expect(await run(...from, "refresh")).toBe(0);
  const names = (await readdir(metadata)).filter((name) => name.endsWith(".json"));
  expect(names.toSorted()).toEqual(["root.json", "snapshot.json", "targets.json", "timestamp.json"]);
  expect(await run(...from, "--target-name", "path/to/file.txt", ...to, "download")).toBe(0);
  const [file = ""] = await readdir(targets);
  expect(await readFile(join(targets, file), "utf8")).toBe("content");
  expect(await run(...from, "--target-name", "another", ...to, "download")).toBe(1);
  expect(await run("frobnicate")).toBe(1);
});
