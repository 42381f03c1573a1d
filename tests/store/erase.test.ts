import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eraseOutbox, hasErasableKey } from "../../gateway/store/erase.ts";
import { KEY_CREDENTIAL } from "../../gateway/store/outbox-key.ts";
import { seq } from "../../protocol/ids.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";

let scratch: ScratchOutbox;
beforeEach(async () => {
  scratch = await createScratchOutbox();
});
afterEach(() => scratch[Symbol.asyncDispose]());

const folder = (name: string): string => join(scratch.directory, "..", name);
const fill = async (options: Parameters<ScratchOutbox["open"]>[0] = {}): Promise<string> => {
  const outbox = await scratch.open(options);
  for (let n = 0; n < 20; n += 1) await outbox.append([sampleReading(n)]);
  const { series } = outbox;
  await outbox[Symbol.asyncDispose]();
  return series;
};
const withCredential = async (): Promise<{ readonly credentials: string }> => {
  await writeFile(folder(KEY_CREDENTIAL), "ab".repeat(32));
  return { credentials: folder("") };
};

describe("R22: an erased outbox", () => {
  it("leaves nothing behind, and the next start begins a new series at number 1", async () => {
    const series = await fill();
    expect(await hasErasableKey(scratch.directory)).toBe(true);
    const { files, bytes } = await eraseOutbox(scratch.directory);
    expect(files).toBeGreaterThanOrEqual(2);
    expect(bytes).toBeGreaterThan(20_000);
    expect(await readdir(scratch.directory)).toEqual(["outbox.lock"]);
    const after = await scratch.open();
    expect(after.recovered).toBeNull();
    expect(after.series).not.toBe(series);
    expect(await after.append([sampleReading(1)])).toEqual([{ tag: "stored", seq: 1 }]);
  });

  it("an old image of it without the key opens for nobody", async () => {
    await fill();
    await cp(scratch.directory, folder("image"), { recursive: true });
    await eraseOutbox(scratch.directory);
    await rm(join(folder("image"), "outbox.key"));
    await expect(scratch.open({ directory: folder("image") })).rejects.toMatchObject({ code: "outbox-key" });
    await (await scratch.open())[Symbol.asyncDispose]();
    const newKey = await readFile(scratch.file("outbox.key"));
    await writeFile(join(folder("image"), "outbox.key"), newKey);
    await expect(scratch.open({ directory: folder("image") })).rejects.toMatchObject({ code: "outbox-key" });
  });

  it("sealed with a credential: an old image does not open with the credential alone", async () => {
    const options = await withCredential();
    await fill(options);
    await cp(scratch.directory, folder("image"), { recursive: true });
    expect(await hasErasableKey(scratch.directory)).toBe(true);
    await eraseOutbox(scratch.directory);
    await rm(join(folder("image"), "outbox.salt"));
    const image = { ...options, directory: folder("image") };
    await expect(scratch.open(image)).rejects.toMatchObject({ code: "outbox-key" });
    expect((await scratch.open(options)).depth().waiting).toBe(0);
  });

  it("gives no counter a second time", async () => {
    const outbox = await scratch.open();
    for (let n = 0; n < 5; n += 1) await outbox.nextCounter();
    const { counter } = outbox;
    await outbox[Symbol.asyncDispose]();
    await eraseOutbox(scratch.directory);
    const after = await scratch.open({ countersFrom: counter });
    expect(await after.nextCounter()).toBe(counter + 1);
  });

  it("is refused while a hub has it open", async () => {
    const outbox = await scratch.open();
    await outbox.append([sampleReading(1)]);
    await expect(eraseOutbox(scratch.directory)).rejects.toMatchObject({ code: "invalid-config" });
    expect(await outbox.next(0, 9)).toHaveLength(1);
  });

  it("goes on where it was cut short after the key", async () => {
    await fill();
    await rm(scratch.file("outbox.key"));
    await eraseOutbox(scratch.directory);
    await eraseOutbox(scratch.directory);
    expect((await scratch.open()).depth()).toMatchObject({ waiting: 0, newest: null });
  });
});

describe("the region's reason for refusing a reading", () => {
  it("is sealed on the disk, bounded, and shown to the technician", async () => {
    const outbox = await scratch.open();
    await outbox.append([sampleReading(1), sampleReading(2)]);
    const reason = `planted: 87.3 kg is\u0007 too much ${"x".repeat(500)}`;
    await outbox.settle({ series: null, through: seq(2), refused: [{ seq: seq(1), reason }], missing: [] });
    await outbox[Symbol.asyncDispose]();
    for (const name of await readdir(scratch.directory)) {
      expect(await readFile(scratch.file(name), "latin1"), name).not.toMatch(/planted|87\.3/);
    }
    const [refused] = await (await scratch.open()).refused(5);
    expect(refused?.reason).toMatch(/^planted: 87\.3 kg is too much x{100,280}$/);
  });
});
