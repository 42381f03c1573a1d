import { describe, expect, it } from "vitest";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import type { RecordEntry } from "./profile.ts";
import { createRecordProgress } from "./record-progress.ts";

const entry = (sequence: number, mark = `m${sequence}`): RecordEntry => ({ sequence, mark });
const remembering = (sequence: number, run = "") =>
  createMemorySensorMemory({ records: JSON.stringify({ run, sequence, mark: `m${sequence}` }) });

describe("progress through a sensor's memory", () => {
  it("asks for all of a sensor of which nothing is known", () => {
    expect(createRecordProgress(createMemorySensorMemory()).request("")).toEqual({ tag: "all" });
  });

  it.each(["", "no json", "{}", '{"run":"","sequence":1.5,"mark":"m"}', "null", "7"])(
    "asks for all where what it remembers is %j",
    (text) => {
      expect(createRecordProgress(createMemorySensorMemory({ records: text })).request("")).toEqual({ tag: "all" });
    },
  );

  it("asks from the last known record on, and for all in another run", () => {
    expect(createRecordProgress(remembering(7)).request("")).toEqual({ tag: "from", sequence: 7 });
    expect(createRecordProgress(remembering(7, "a")).request("b")).toEqual({ tag: "all" });
  });

  it.each([
    ["did not come", [entry(8)]],
    ["came with another content", [entry(7, "other"), entry(8)]],
    ["and nothing else came", []],
  ])("is not proven where the last known record %s", async (_what, came) => {
    const memory = remembering(7);
    const progress = createRecordProgress(memory);
    const request = progress.request("");
    progress.stored(came);
    expect(progress.isProven(request)).toBe(false);
    expect(progress.request("")).toEqual({ tag: "all" });
    progress.stored([entry(1), entry(2)]);
    expect(progress.isProven({ tag: "all" })).toBe(true);
    await progress.commit();
    expect(JSON.parse(memory.read("records") ?? "")).toEqual({ run: "", ...entry(2) });
  });

  it("remembers the latest of records that came in any order, across the wrap", async () => {
    const memory = createMemorySensorMemory();
    const progress = createRecordProgress(memory);
    progress.request("");
    progress.stored([entry(65_534), entry(1)]);
    progress.stored([entry(65_535), entry(0)]);
    await progress.commit();
    expect(JSON.parse(memory.read("records") ?? "")).toMatchObject({ sequence: 1 });
  });

  it("writes nothing where nothing is new, and forgets a memory that has become empty", async () => {
    const memory = remembering(7);
    let writes = 0;
    const progress = createRecordProgress({
      read: memory.read,
      write: async (key, text) => {
        writes += 1;
        await memory.write(key, text);
      },
    });
    const request = progress.request("");
    progress.stored([entry(7)]);
    expect(progress.isProven(request)).toBe(true);
    await progress.commit();
    expect(writes).toBe(0);
    expect(progress.isProven(progress.request(""))).toBe(false);
    progress.request("");
    await progress.commit();
    expect(memory.read("records")).toBe("");
  });

  it("knows a live record from before what it knows", () => {
    const progress = createRecordProgress(createMemorySensorMemory());
    expect(progress.isBehind([entry(1)])).toBe(false);
    progress.stored([entry(500)]);
    expect(progress.isBehind([entry(505)])).toBe(false);
    expect(progress.isBehind([entry(500)])).toBe(false);
    expect(progress.isBehind([entry(5)])).toBe(true);
  });

  it("keeps what it writes below a kilobyte, and says nothing of a value", async () => {
    const memory = createMemorySensorMemory();
    const progress = createRecordProgress(memory);
    progress.request("ea07060f0e00000404");
    progress.stored([entry(65_535, "0123456789abcdef")]);
    await progress.commit();
    expect(memory.read("records")?.length).toBeLessThan(1000);
  });
});
