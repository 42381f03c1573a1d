import fc from "fast-check";
import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { minutes } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { type CapacityLevel, createCapacityWatch, type DiskUse, fillOf, levelOf } from "./capacity.ts";

const MB = 1024 * 1024;
const disk = (free: number, outbox: number, size = 1000): DiskUse => ({
  size: size * MB,
  free: free * MB,
  outbox: outbox * MB,
});

it.each<[string, DiskUse, CapacityLevel, CapacityLevel]>([
  ["an empty disk", disk(900, 1), "roomy", "roomy"],
  ["a full month on a small card", disk(900, 60), "roomy", "roomy"],
  ["four fifths of the room", disk(150, 400), "roomy", "high"],
  ["just below", disk(151, 400), "roomy", "roomy"],
  ["less, once alarmed", disk(151, 400), "high", "high"],
  ["clearly less, once alarmed", disk(250, 400), "high", "roomy"],
  ["the reserve, whoever filled the disk", disk(50, 1), "roomy", "reserve"],
  ["out of the reserve again", disk(60, 50), "reserve", "high"],
])("%s", (_, use, before, after) => {
  expect(levelOf(use, before)).toBe(after);
});

it("fills from 0 to 1, more with less free space and a larger outbox", () => {
  const use = fc.record({ size: fc.nat(1e12), free: fc.nat(1e12), outbox: fc.nat(1e12) });
  fc.assert(
    fc.property(use, fc.nat(1e9), (given, more) => {
      const fill = fillOf(given);
      expect(fill).toBeGreaterThanOrEqual(0);
      expect(fill).toBeLessThanOrEqual(1);
      expect(fillOf({ ...given, free: given.free + more })).toBeLessThanOrEqual(fill);
      expect(fillOf({ ...given, outbox: given.outbox + more })).toBeGreaterThanOrEqual(fill);
    }),
  );
});

it("reports each change once, says when it is over, and goes on where the disk does not answer", async () => {
  const clock = createSimulatedClock();
  const reports: string[] = [];
  const levels: CapacityLevel[] = [];
  const answers: (DiskUse | Error)[] = [
    disk(900, 1),
    disk(100, 400),
    disk(100, 400),
    new Error("no answer"),
    disk(40, 400),
    disk(900, 1),
  ];
  const watch = createCapacityWatch({
    directory: "/nowhere",
    probe: "/nowhere/file",
    clock,
    logger: silentLogger,
    report: (code, message, detail) => reports.push(`${code} ${String(detail.state)}: ${message}`),
    onLevel: (level) => levels.push(level),
    isWritable: async () => true,
    look: async () => {
      const answer = answers.shift() ?? disk(900, 1);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  for (let minute = 0; minute < 8; minute += 1) await clock.advance(minutes(1));
  stop.abort();
  await running;
  expect(levels).toEqual(["high", "reserve", "roomy"]);
  expect(reports.map((line) => line.split(":")[0])).toEqual([
    "buffer-high high",
    "buffer-high reserve",
    "buffer-high recovered",
  ]);
});

it("says once that the disk became read-only, within a minute, and that it can be written again", async () => {
  const clock = createSimulatedClock();
  const reports: string[] = [];
  const answers = [true, false, false, true];
  const watch = createCapacityWatch({
    directory: "/nowhere",
    probe: "/nowhere/file",
    clock,
    logger: silentLogger,
    report: (code, _message, detail) => reports.push(`${clock.elapsed() / 60_000} ${code} ${String(detail.state)}`),
    onLevel: () => undefined,
    look: async () => disk(900, 1),
    isWritable: async () => answers.shift() ?? true,
  });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  for (let minute = 0; minute < 5; minute += 1) await clock.advance(minutes(1));
  stop.abort();
  await running;
  expect(reports).toEqual(["1 storage-fault read-only", "3 storage-fault recovered"]);
});
