import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { assignmentId, sensorId } from "../protocol/ids.ts";
import { quietLogger } from "../tests/serial/session-context.ts";
import { openSensorMemories, type SensorMemories } from "./sensor-memory.ts";

const meter = { id: sensorId("meter"), assignment: assignmentId("care-1") };
const cuff = { id: sensorId("cuff"), assignment: assignmentId("care-1") };
/** What the hub makes of an assignment with its key. */
const mark = (assignment: string): string => Buffer.from(assignment).toString("hex");
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-memory-"));
  file = join(folder, "sensor-memory.json");
});
afterEach(() => rm(folder, { recursive: true }));

const open = (known = [meter, cuff]): Promise<SensorMemories> => openSensorMemories(file, known, quietLogger, mark);
const of = (memories: SensorMemories, sensor = meter) => memories.of(sensor.id, sensor.assignment);

it("remembers across restarts, each sensor its own, in a file of the hub alone", async () => {
  const before = await open();
  await Promise.all([
    of(before).write("last", "12"),
    of(before, cuff).write("last", "7"),
    of(before).write("last", "13"),
  ]);
  const after = await open();
  expect(of(after).read("last")).toBe("13");
  expect(of(after, cuff).read("last")).toBe("7");
  expect(of(after).read("first")).toBeNull();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

it("starts empty for a sensor that is enrolled for another assignment, and drops the former one's", async () => {
  await of(await open()).write("last", "12");
  const next = { ...meter, assignment: assignmentId("care-2") };
  const memory = of(await open([next]), next);
  expect(memory.read("last")).toBeNull();
  await memory.write("last", "1");
  expect(await readFile(file, "utf8")).not.toContain("care-1");
});

it.each([
  ["cut short", '{"schema":"sensor-mem'],
  ["of other content", '{"schema":"sensor-memory/1","sensors":{"meter care-1":{"last":5}}}'],
  ["empty", ""],
])("begins anew where the file is %s", async (_how, content) => {
  await writeFile(file, content);
  const memory = of(await open());
  expect(memory.read("last")).toBeNull();
  await memory.write("last", "1");
  expect(of(await open()).read("last")).toBe("1");
});

it("remembers until the hub ends where the disk refuses", async () => {
  const memories = await openSensorMemories(join(folder, "absent", "memory.json"), [meter], quietLogger, mark);
  await of(memories).write("last", "1");
  expect(of(memories).read("last")).toBe("1");
});

it("refuses more than its bounds", async () => {
  const memory = of(await open());
  await expect(memory.write("last", "x".repeat(1025))).rejects.toThrow(/at most 64, 1024 and 64/);
  await expect(memory.write("k".repeat(65), "")).rejects.toThrow(/at most/);
  for (let key = 0; key < 64; key++) await memory.write(String(key), "");
  await expect(memory.write("64", "")).rejects.toThrow(/64 keys/);
});
