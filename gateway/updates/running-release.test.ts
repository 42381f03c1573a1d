import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { launchedBy } from "./launched.ts";
import { readRunningRelease } from "./running-release.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-release-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const readOf = async (text: string | null): Promise<unknown> => {
  const file = join(folder, "release.json");
  if (text !== null) await writeFile(file, text);
  return readRunningRelease(pathToFileURL(file));
};

it("reads what the release says of itself", async () => {
  expect(await readOf('{"version":"1.2.0","counter":12,"builtAt":1764000000}')).toEqual({
    counter: 12,
    builtAt: 1_764_000_000_000,
  });
});

it.each([null, "", "{", "null", '{"counter":-1}', '{"counter":"12"}', '{"builtAt":5}'])(
  "counts what says %j as older than every release",
  async (text) => {
    expect(await readOf(text)).toEqual({ counter: 0, builtAt: 0 });
  },
);

it("takes a date that is none as long ago, and keeps the counter", async () => {
  expect(await readOf('{"counter":3,"builtAt":"yesterday"}')).toEqual({ counter: 3, builtAt: 0 });
});

it("knows by its environment what the launcher chose, and that nobody did", () => {
  const env = { HEMHUB_RELEASES: "/var/lib/hemhub/releases", HEMHUB_SLOT: "trial", HEMHUB_RELEASE: "ab" };
  expect(launchedBy({ ...env, HEMHUB_TRY: "2", HEMHUB_SLOT_REASON: "" })).toEqual({
    folder: "/var/lib/hemhub/releases",
    slot: "trial",
    release: "ab",
    tries: 2,
    reason: "",
  });
  expect(launchedBy({ ...env, HEMHUB_TRY: "many" })?.tries).toBe(0);
  expect(launchedBy({ ...env, HEMHUB_SLOT: undefined })).toBeNull();
  expect(launchedBy({})).toBeNull();
});
