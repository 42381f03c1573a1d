import { beforeEach, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../../tests/support/test-loggers.ts";
import { type CareLeases, createCareLeases, LONGEST_LEASE, LONGEST_STREAM, LULL } from "./care-leases.ts";

let clock: SimulatedClock;
let lines: LogLine[];
let leases: CareLeases;

beforeEach(() => {
  clock = createSimulatedClock();
  lines = [];
  leases = createCareLeases({ clock, logger: createKeepingLogger(lines) });
});

const streamFor = async (span: number): Promise<void> => {
  for (let past = 0; past < span; past += LULL / 2) {
    leases.heard("sensor oximeter", LULL);
    await clock.advance(millis(LULL / 2));
  }
};

it("a measurement is under way from its beginning to its end", () => {
  expect(leases.held()).toBeNull();
  const cuff = leases.begin("sensor cuff", minutes(3));
  const scale = leases.begin("sensor scale", minutes(3));
  expect(leases.held()).toEqual({ what: "sensor cuff", since: 0 });
  cuff.end();
  cuff.end();
  expect(leases.held()?.what).toBe("sensor scale");
  scale.end();
  expect(leases.held()).toBeNull();
  expect(lines).toEqual([]);
});

it("a measurement that never tells its end is given up after the time that it asked for, and told once", async () => {
  const leaked = leases.begin("sensor cuff", minutes(3));
  await clock.advance(millis(minutes(3) - 1));
  expect(leases.held()).not.toBeNull();
  await clock.advance(millis(1));
  expect(leases.held()).toBeNull();
  leaked.end();
  expect(leases.held()).toBeNull();
  expect(lines).toMatchObject([{ level: "warn", fields: { text: "sensor cuff" } }]);
});

it("no measurement counts for longer than the longest, whatever it asked for", async () => {
  leases.begin("sensor cuff", minutes(24 * 60));
  await clock.advance(millis(LONGEST_LEASE - 1));
  expect(leases.held()).not.toBeNull();
  await clock.advance(millis(1));
  expect(leases.held()).toBeNull();
});

it("leaked leases do not pile up where nobody asks for them", async () => {
  for (let i = 0; i < 100; i++) {
    leases.begin("sensor cuff", seconds(1));
    await clock.advance(seconds(1));
  }
  leases.held();
  expect(lines).toHaveLength(100);
});

it("a stream is under way until a while after its last octets, and that is no leak", async () => {
  await streamFor(minutes(10));
  expect(leases.held()).toEqual({ what: "sensor oximeter", since: 0 });
  await clock.advance(LULL);
  expect(leases.held()).toBeNull();
  expect(lines).toEqual([]);
});

it("an oximeter that is never taken off does not keep a release away for ever, and counts again once it was off", async () => {
  await streamFor(LONGEST_STREAM - LULL);
  leases.heard("sensor oximeter", LULL);
  expect(leases.held()).not.toBeNull();
  await streamFor(2 * LULL);
  leases.heard("sensor oximeter", LULL);
  expect(leases.held()).toBeNull();
  await clock.advance(LULL);
  leases.heard("sensor oximeter", LULL);
  expect(leases.held()).toEqual({ what: "sensor oximeter", since: clock.elapsed() });
});
