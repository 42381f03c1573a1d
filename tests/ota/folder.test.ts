import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import type { RepositorySource } from "../../ota/download/source.ts";
import { createTestHub, type TestHub } from "./hub.ts";
import { createTestRepository, type TestRepository } from "./repository.ts";

const PATH = "hemhub/release.sqfs";
const CONTENT = Buffer.alloc(200_000, 7);

let region: TestRepository;
let hub: TestHub;
let stick: string;
let source: RepositorySource;

const copyToStick = async (): Promise<void> => {
  for (const [path, content] of region.files) {
    await mkdir(dirname(join(stick, path)), { recursive: true });
    await writeFile(join(stick, path), content);
  }
};

beforeEach(async () => {
  region = createTestRepository();
  region.addTarget(PATH, CONTENT);
  region.publish();
  hub = await createTestHub({ root: region.firstRoot });
  stick = join(hub.place, "stick");
  await copyToStick();
  source = createFolderSource(stick);
});
afterEach(() => hub[Symbol.asyncDispose]());

const ask = (path: string, from = 0, validator: string | null = null) =>
  source.open({ part: "metadata", path, from, validator }, new AbortController().signal);

describe("an update from a stick", () => {
  it("is verified and taken like one from a server", async () => {
    const target = await hub.target(source, PATH);
    expect((await readFile(await hub.download(source, target))).equals(CONTENT)).toBe(true);
  });

  it("that is older than what the hub knows is refused, and says what to do", async () => {
    const fresh = createFolderSource(join(hub.place, "fresh"));
    const old = stick;
    region.publish();
    stick = join(hub.place, "fresh");
    await copyToStick();
    await hub.refresh(fresh);
    await expect(hub.refresh(createFolderSource(old))).rejects.toMatchObject({
      code: "update-rolled-back",
      message: expect.stringMatching(
        /the update folder .* older state is refused\. Copy the region's newest update onto/,
      ),
    });
  });

  it("that was pulled out is told", async () => {
    await rm(stick, { recursive: true });
    await expect(hub.refresh(source)).rejects.toMatchObject({ code: "update-unreachable" });
  });

  it("with a forged release is refused", async () => {
    const target = await hub.target(source, PATH);
    await writeFile(join(stick, "targets", target.location), Buffer.alloc(CONTENT.length, 8));
    await expect(hub.download(source, target)).rejects.toMatchObject({ code: "update-untrusted" });
  });
});

describe("a folder of updates", () => {
  it.each(["..%2Fsecret", "%2e%2e/secret", "../secret", "a//b", "%00", "%", "a%5Cb"])(
    "is not left by %s",
    async (path) => {
      await writeFile(join(stick, "secret"), "x");
      expect(await ask(path)).toEqual({ tag: "absent" });
    },
  );

  it("follows no link and waits for no pipe", async () => {
    await symlink("/etc/hostname", join(stick, "metadata", "link.json"));
    execFileSync("mkfifo", [join(stick, "metadata", "pipe.json")]);
    await mkdir(join(stick, "metadata", "folder.json"));
    for (const name of ["link.json", "pipe.json", "folder.json"]) expect(await ask(name)).toEqual({ tag: "absent" });
  });

  it("resumes a file only in the state in which it was begun", async () => {
    const reply = await ask("timestamp.json");
    if (reply.tag !== "content") throw new Error(reply.tag);
    const { validator } = reply;
    expect(await ask("timestamp.json", 5, validator)).toMatchObject({ tag: "content", from: 5 });
    expect(await ask("timestamp.json", 1_000_000, validator)).toEqual({ tag: "out-of-range" });
    await utimes(join(stick, "metadata", "timestamp.json"), 1, 1);
    expect(await ask("timestamp.json", 5, validator)).toMatchObject({ tag: "content", from: 0 });
  });
});
