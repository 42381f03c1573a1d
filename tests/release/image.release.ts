import { execFile, execFileSync, spawn } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { build as esbuild } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imageOf } from "../../region/release/squashfs.ts";
import { ROOT } from "../../scripts/setup.mjs";
import { requirement, titled } from "../support/requirements.ts";
import { type Built, build, builtIn, copyCheckout, ELSEWHERE, HERE } from "./checkout.ts";

const run = promisify(execFile);
const tools = requirement("mksquashfs");

/** A tenth of what the whole image takes to download. */
const MOST_OF_A_PATCH = 0.1;
const MOST_MEMORY_BYTES = 100_000_000;

const commitTime = (): string => {
  try {
    return execFileSync("git", ["-C", ROOT, "log", "-1", "--format=%ct"], { encoding: "utf8" }).trim();
  } catch {
    return "0";
  }
};

describe.skipIf(!tools.available)(titled("an image of this checkout", tools), () => {
  let place = "";
  let copy = "";
  let built: Built;
  let again: Built;

  beforeAll(async () => {
    place = await mkdtemp(path.join(tmpdir(), "hemhub-image-"));
    copy = path.join(place, "another place", "checkout");
    await copyCheckout(copy);
    const archive = { ...ELSEWHERE, env: { ...ELSEWHERE.env, SOURCE_DATE_EPOCH: commitTime() } };
    await Promise.all([build(ROOT, path.join(place, "first"), HERE), build(copy, path.join(place, "second"), archive)]);
    [built, again] = [builtIn(path.join(place, "first")), builtIn(path.join(place, "second"))];
  }, 300_000);
  afterAll(() => rm(place, { recursive: true, force: true }));

  it("is the same, octet by octet, from another place, with another umask, zone and file times", async () => {
    expect((await imageOf(again.runtime)).hash).toBe((await imageOf(built.runtime)).hash);
    expect((await imageOf(again.image)).hash).toBe((await imageOf(built.image)).hash);
    expect((await imageOf(again.packedImage)).hash).toBe((await imageOf(built.packedImage)).hash);
    // 170 MB that nothing else needs.
    await rm(path.join(place, "second"), { recursive: true });
  });

  describe("unpacked, with nothing else of the checkout", () => {
    let release = "";
    let env: Record<string, string> = {};
    let hide: readonly string[] = [];

    const hemhub = (...args: readonly string[]) => [...hide, path.join(release, "hemhub"), ...args] as const;
    const answer = (...args: readonly string[]) => {
      const [command = "", ...rest] = hemhub(...args);
      return run(command, rest, { cwd: "/", env });
    };

    beforeAll(async () => {
      [release] = [path.join(place, "release")];
      const runtime = path.join(place, "runtime");
      for (const [image, folder] of [
        [built.image, release],
        [built.runtime, runtime],
      ] as const) {
        await run("unsquashfs", ["-no-progress", "-no-xattrs", "-d", folder, image]);
      }
      env = { PATH: `${runtime}/bin:/usr/bin:/bin`, HOME: path.join(place, "home") };
      await mkdir(path.join(place, "home"));
      // Where a user may have a mount table of his own, the checkout is not even there.
      const hiding = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs none "$0" && exec "$@"',
        ROOT,
      ];
      hide = await run(hiding[0] ?? "", [...hiding.slice(1), "true"]).then(
        () => hiding,
        () => [],
      );
    });

    it("says its version by the runtime that it names", async () => {
      const { stdout } = await answer("version", "--json");
      const { version, runtime } = JSON.parse(readFileSync(path.join(release, "release.json"), "utf8"));
      expect(JSON.parse(stdout)).toMatchObject({ hub: version });
      expect(runtime).toBe((await imageOf(built.runtime)).hash);
      expect(readFileSync(path.join(release, "runtime"), "utf8")).toBe(`${runtime}\n`);
    });

    it("runs, tests its parts when asked, and leaves every file of it as it was", async () => {
      const config = path.join(place, "hub.yaml");
      const socket = path.join(place, "hub.sock");
      writeFileSync(
        config,
        `hub: { id: hub-0001, assignment: a1, dataDir: ${JSON.stringify(path.join(place, "data"))}, timeZone: UTC }
diagnostics: { socket: ${JSON.stringify(socket)} }
region: { url: "mqtts://localhost:1", ca: [ca.pem], certificate: hub.crt, key: hub.key }
sensors: []
`,
      );
      const [command = "", ...args] = hemhub("run", "--config", config);
      const hub = spawn(command, args, { cwd: "/", env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      const ready = Promise.withResolvers<void>();
      const ended = new Promise<number | null>((resolve) => hub.once("close", resolve));
      for (const stream of [hub.stdout, hub.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          if (said.includes('"hub ready"')) ready.resolve();
        });
      }
      void ended.then((code) => ready.reject(new Error(`the hub ended with ${code}: ${said.slice(-2000)}`)));
      await ready.promise;
      // Nobody listens at its region: `check` says so, and that is what it is for.
      const checked: unknown = await answer("check", "--json", "--socket", socket).catch((error: unknown) => error);
      expect(JSON.parse((checked as { readonly stdout: string }).stdout)).toMatchObject({
        tests: expect.arrayContaining([expect.objectContaining({ name: "storage", result: "pass" })]),
      });
      hub.kill("SIGTERM");
      expect(await ended).toBe(0);

      await run("sha256sum", ["--check", "--quiet", "--strict", "manifest"], { cwd: release });
      const files = readdirSync(release, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const listed = readFileSync(path.join(release, "manifest"), "utf8").trim().split("\n");
      expect(files).toHaveLength(listed.length + 1);
    });
  });

  describe("takes little", () => {
    const unpack = async (packed: string, base: string, image: string): Promise<number> => {
      const { hash, length } = await imageOf(image);
      const to = path.join(place, "unpacked");
      const args = [path.join(place, "unpack-once.mjs"), packed, base, hash, String(length), to];
      const { stdout } = await run(process.execPath, args);
      expect((await imageOf(to)).hash).toBe(hash);
      return JSON.parse(stdout).peakBytes;
    };

    const patchAfter = async (name: string): Promise<Built> => {
      const out = path.join(place, name);
      await build(copy, out, HERE, "--from", built.image);
      return builtIn(out);
    };
    const shareOf = ({ patches: [patch = ""], packedImage }: Built): number =>
      statSync(patch).size / statSync(packedImage).size;

    beforeAll(async () => {
      // As a release carries it: one file of plain JavaScript.
      await esbuild({
        absWorkingDir: ROOT,
        entryPoints: ["tests/release/unpack-once.ts"],
        outfile: path.join(place, "unpack-once.mjs"),
        bundle: true,
        platform: "node",
        format: "esm",
      });
      // What is built from here on is never started: without Node's 125 MB it is built in half the time.
      writeFileSync(path.join(copy, "node_modules", "node", "bin", "node"), "no runtime");
    });

    it("to download where one line has changed, and below 100 MB of memory to apply", async () => {
      // In what everything else imports: the names of all parts change with it.
      appendFileSync(path.join(copy, "protocol", "errors.ts"), '\nprocess.title = "hemhub, one line later";\n');
      const next = await patchAfter("one line");
      expect((await imageOf(next.image)).hash).not.toBe((await imageOf(built.image)).hash);
      expect(shareOf(next)).toBeLessThanOrEqual(MOST_OF_A_PATCH);
      expect(await unpack(next.patches[0] ?? "", built.image, next.image)).toBeLessThan(MOST_MEMORY_BYTES);
    }, 300_000);

    it("to download where a package has a later patch version", async () => {
      const folder = path.join(copy, "node_modules", "sqlite3");
      for (const file of [path.join(copy, "package-lock.json"), path.join(folder, "package.json")]) {
        writeFileSync(file, readFileSync(file, "utf8").replaceAll('"version": "6.0.1"', '"version": "6.0.2"'));
      }
      appendFileSync(path.join(folder, "lib", "sqlite3.js"), "\n// a repair\nmodule.exports.repaired = true;\n");
      const next = await patchAfter("a package");
      expect(shareOf(next)).toBeLessThanOrEqual(MOST_OF_A_PATCH);
    }, 300_000);

    it("of memory to unpack a whole image, and a whole runtime", async () => {
      expect(await unpack(built.packedImage, "", built.image)).toBeLessThan(MOST_MEMORY_BYTES);
      expect(await unpack(built.packedRuntime, "", built.runtime)).toBeLessThan(MOST_MEMORY_BYTES);
    }, 120_000);
  });
});
