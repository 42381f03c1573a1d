import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assignmentId } from "../../protocol/ids.ts";
import { createSealedFile, type SealedFile } from "./sealed-file.ts";
import { loadStateKey, type StateKey } from "./state-key.ts";

let folder: string;
let key: StateKey;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-sealed-"));
  key = await loadStateKey(folder, undefined);
  path = join(folder, "thing.sealed");
});
afterEach(() => rm(folder, { recursive: true }));

const again = async (): Promise<SealedFile> => createSealedFile(path, (await loadStateKey(folder, undefined)).seal);

describe("a sealed file", () => {
  it("gives back what was written last, and shows nothing of it", async () => {
    const file = createSealedFile(path, key.seal);
    expect(await file.read()).toBeNull();
    await file.write({ planted: "anna" });
    await file.write({ planted: "berit" });
    expect(await (await again()).read()).toEqual({ planted: "berit" });
    expect(await readFile(path, "latin1")).not.toMatch(/planted|berit/);
  });

  it.each(["", ".copy"])("survives the loss of either copy: %s, and mends it with the next write", async (suffix) => {
    await createSealedFile(path, key.seal).write("kept");
    await writeFile(`${path}${suffix}`, "rot");
    const file = await again();
    expect(await file.read()).toBe("kept");
    await file.write("next");
    await rm(suffix === "" ? `${path}.copy` : path);
    expect(await (await again()).read()).toBe("next");
  });

  it("gives the newer one where a cut left two versions", async () => {
    const file = createSealedFile(path, key.seal);
    await file.write("old");
    const old = await readFile(`${path}.copy`);
    await file.write("new");
    await writeFile(`${path}.copy`, old);
    expect(await (await again()).read()).toBe("new");
  });

  it("refuses to guess where both copies are damaged, or the key is another", async () => {
    await createSealedFile(path, key.seal).write("kept");
    await writeFile(join(folder, "state.key"), "ab".repeat(32));
    await expect((await again()).read()).rejects.toMatchObject({ code: "outbox-key" });
    await rm(join(folder, "state.key"));
    await expect(again()).rejects.toMatchObject({ code: "outbox-key", message: expect.stringMatching(/is missing/) });
  });

  it("does not open under the name of another file", async () => {
    await createSealedFile(path, key.seal).write("kept");
    const other = join(folder, "other.sealed");
    await writeFile(other, await readFile(path));
    await expect(createSealedFile(other, key.seal).read()).rejects.toMatchObject({ code: "outbox-key" });
  });
});

it("stands for an assignment with a mark that is the same each time, and another with another key", async () => {
  const mark = key.mark(assignmentId("anna"));
  expect(mark).toMatch(/^[0-9a-f]{32}$/);
  expect((await loadStateKey(folder, undefined)).mark(assignmentId("anna"))).toBe(mark);
  expect(key.mark(assignmentId("berit"))).not.toBe(mark);
  await rm(join(folder, "state.key"));
  expect((await loadStateKey(folder, undefined)).mark(assignmentId("anna"))).not.toBe(mark);
});
