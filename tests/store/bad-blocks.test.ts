import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Bundled, bundledScript } from "../support/bundled.ts";
import { pathOf, requirement, titled } from "../support/requirements.ts";

const run = promisify(execFile);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const cc = requirement("cc");

describe.skipIf(!cc.available)(titled("F07: on a card with bad blocks, the outbox", cc), () => {
  let tools: string;
  let place: string;
  let script: Bundled;

  beforeAll(async () => {
    tools = await mkdtemp(join(tmpdir(), "hemhub-bad-blocks-"));
    const shim = join(tools, "bad-blocks.so");
    execFileSync(pathOf("cc") ?? "cc", ["-shared", "-fPIC", "-o", shim, here("bad-blocks.c"), "-ldl"]);
    script = await bundledScript(here("bad-blocks-trial.ts"));
  });
  afterAll(async () => {
    await script[Symbol.asyncDispose]();
    await rm(tools, { recursive: true, force: true });
  });
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "hemhub-bad-blocks-"));
  });
  afterEach(() => rm(place, { recursive: true, force: true }));

  const trial = async (name: string): Promise<unknown> => {
    const env = { ...process.env, LD_PRELOAD: join(tools, "bad-blocks.so"), HEMHUB_BAD_BLOCKS: join(place, "bad") };
    return JSON.parse((await run(process.execPath, [script.file, name, place], { env })).stdout);
  };

  /** Of 300 readings; two pages in the middle hold three at most. */
  const FEW_LOST = { altered: 0, next: 301, sentence: expect.stringContaining("readings were saved") };

  it("starts with the rest where pages of the database cannot be read any more, and says so once", async () => {
    const seen = (await trial("database")) as { waiting: number; again: { waiting: number } };
    expect(seen).toMatchObject({ ...FEW_LOST, again: { recovered: null } });
    expect(seen.waiting).toBeGreaterThanOrEqual(296);
    expect(seen.again.waiting).toBe(seen.waiting + 1);
    // The bad blocks stay in a file of their own.
    expect((await readdir(join(place, "outbox"))).filter((name) => name.includes("damaged"))).toHaveLength(2);
  }, 30_000);

  it("loses nothing where the first sector of the database is gone", async () => {
    expect(await trial("first-page")).toMatchObject({ ...FEW_LOST, waiting: 300 });
  }, 30_000);

  it("starts where a sector of the journal that a crash left cannot be read", async () => {
    expect(await trial("journal")).toMatchObject({ waiting: 300 });
    const seen = (await trial("start")) as { waiting: number };
    expect(seen).toMatchObject({ altered: 0, sentence: expect.stringContaining("journal were damaged") });
    expect(seen.waiting).toBeGreaterThanOrEqual(296);
  }, 30_000);

  it("goes on with the rest where pages become unreadable while it runs", async () => {
    const seen = (await trial("decays")) as { waiting: number };
    expect(seen).toMatchObject(FEW_LOST);
    expect(seen.waiting).toBeGreaterThanOrEqual(296);
  }, 30_000);

  it("acknowledges nothing that could not be written, and goes on when it can", async () => {
    expect(await trial("unwritable")).toEqual({
      refused: "outbox-poisoned",
      troubled: true,
      waiting: 300,
      altered: 0,
      next: 301,
      sentence: null,
    });
  }, 30_000);

  it("begins nothing anew where nothing of the card can be read", async () => {
    expect(await trial("gone")).toMatchObject({ failed: expect.stringContaining("nothing was changed") });
    expect((await readdir(join(place, "outbox"))).filter((name) => name.includes("damaged"))).toEqual([]);
  }, 30_000);
});
