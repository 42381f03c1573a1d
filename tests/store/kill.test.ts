import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runKills, startLife, WORKLOAD } from "./kill-runs.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";

let scratch: ScratchOutbox;

beforeEach(async () => {
  scratch = await createScratchOutbox();
});

afterEach(() => scratch[Symbol.asyncDispose]());

const KILLS = 32;
const SEED = Number(process.env.HEMHUB_SEED ?? Date.now() % 1_000_000);

it("F03: keeps every acknowledged reading, once and unaltered, however often it is killed", async () => {
  const { taken, ...found } = await runKills({ count: KILLS, seed: SEED }, AbortSignal.timeout(150_000));
  expect(found).toEqual({ kills: KILLS, lost: 0, doubled: 0, altered: 0, wrong: [] });
  expect(taken).toBeGreaterThan(KILLS);
}, 180_000);

it("lets nobody else in while a hub has the outbox, and the next one as soon as it is killed", async () => {
  const holder = startLife(WORKLOAD, scratch.directory, 1);
  const ended = once(holder, "exit");
  if (holder.stdout === null) throw new Error("the child has no output");
  await once(createInterface({ input: holder.stdout }), "line");
  await expect(scratch.open()).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringContaining("another hub is using it"),
  });
  holder.kill("SIGKILL");
  await ended;
  expect((await scratch.open()).recovered).toBeNull();
}, 30_000);
