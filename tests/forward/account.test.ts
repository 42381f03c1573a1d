import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { DayAccount } from "../../hardware-sim/region/day-account.ts";
import type { RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import { isHubError } from "../../protocol/errors.ts";
import { sensorId } from "../../protocol/ids.ts";
import type { PublishOutcome } from "../../protocol/ports/region-link.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { epochMs, isoUtc, minutes, seconds } from "../../protocol/time.ts";
import { createWatchedDatabase, type WatchedDatabase } from "../store/watched-database.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { createRegion, HUB, type HubUnderTest, READING, seqsIn, startHub } from "./support/hub-under-test.ts";
import { disagreements } from "./support/reconcile.ts";

/** 22:40 in UTC, 23:40 in Stockholm: the home's midnight comes 80 minutes before the account's. */
const EVENING = epochMs(Date.UTC(2026, 10, 21, 22, 40));
const SENSORS = ["cuff", "scale", "oximeter"] as const;

let folder: string;
let clock: SimulatedClock;
let broker: MemoryBroker;
let region: RegionReceiver;
let outbox: SqliteOutbox;
let hub: HubUnderTest;
let last: number;
let disk: WatchedDatabase;

const open = async (): Promise<void> => {
  const directory = join(folder, "outbox");
  outbox = await openSqliteOutbox({ directory, clock, logger: silentLogger, openDatabase: disk.open });
  hub = startHub({ clock, broker, outbox: () => outbox });
};
const close = async (): Promise<void> => {
  await hub.stop();
  await outbox[Symbol.asyncDispose]();
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-account-"));
  clock = createSimulatedClock({ startAt: EVENING });
  ({ broker, region } = createRegion(clock));
  last = 0;
  disk = createWatchedDatabase();
  await open();
});
afterEach(async () => {
  await close();
  await region[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const deviceOf = (sensor: string | null): string | null => (sensor === null ? null : `${sensor}@1 serial-${sensor}`);

const reading = (sensor: string): DraftReading => {
  last += 1;
  const draft = sampleReading(last);
  const { utc, ...arrival } = clock.stamp();
  return {
    ...draft,
    device: { ...draft.device, catalogue: `${sensor}@1`, serial: `serial-${sensor}` },
    time: {
      ...draft.time,
      received: { bootId: arrival.bootId, monoMs: arrival.monoMs, utc: utc === null ? null : isoUtc(utc) },
      hubClock: arrival.hubClock,
    },
  };
};
/** One reading of each sensor, and what the region does with it. */
const measure = async (rounds = 1): Promise<void> => {
  for (let i = 0; i < rounds; i++) {
    for (const sensor of SENSORS) {
      await outbox.append([reading(sensor)], sensorId(sensor));
      hub.forwarder.wake();
    }
    await clock.advance(minutes(1));
  }
};
const atRegion = (): DayAccount => region.account(HUB) ?? { lines: [], high: 0, gaps: [], missing: 0 };
const disagreement = (): readonly string[] => disagreements(outbox.account(), atRegion(), deviceOf);
const settled = (left = 0): Promise<boolean> =>
  until(async () => {
    await clock.advance(seconds(1));
    return outbox.depth().waiting === left;
  }, `${left} readings wait`);
const days = (sensor: string): readonly (string | null)[] =>
  outbox.account().lines.flatMap((line) => (line.sensor === sensor ? [line.day] : []));

it("adds up for every sensor and day past midnight, at home and in UTC, and past a restart", async () => {
  await measure(30);
  // Past midnight in Stockholm, and one day in the account still: its days are those of UTC, here and at the region.
  expect(days("cuff")).toEqual(["2026-11-21"]);
  await settled();
  expect(disagreement()).toEqual([]);
  await close();
  await open();
  await measure(60);
  await settled();
  expect(days("cuff")).toEqual(["2026-11-22", "2026-11-21"]);
  expect(disagreement()).toEqual([]);
  expect(atRegion().lines).toHaveLength(6);
  expect(outbox.account().lines.reduce((sum, line) => sum + line.receipted, 0)).toBe(270);
});

it("adds up where the clock was not set, where the region refuses, and where the broker takes one reading not", async () => {
  clock.setWallClock(epochMs(0), "unset");
  await measure(3);
  clock.setWallClock(EVENING, "ntp");
  region.setFaults({ refuse: ({ device }) => (device.catalogue === "scale@1" ? "no assignment for it" : null) });
  const poison: PublishOutcome = { tag: "refused", reasonCode: 0x99, reason: "payload", scope: "message" };
  broker.configure({
    onPublish: (message) => (seqsIn(message).includes(14) && message.topic === READING ? poison : { tag: "accepted" }),
    onDelivered: ({ topic, payload }) => region.receive(topic, payload),
  });
  await measure(5);
  await settled(1);
  expect(disagreement()).toEqual([]);
  expect(atRegion().gaps).toEqual([[14, 14]]);
  expect(days("scale")).toEqual(["2026-11-21", null]);
  const scale = outbox.account().lines.find(({ sensor, day }) => sensor === "scale" && day !== null);
  // Number 14 is the scale's.
  expect(scale).toMatchObject({ stored: 5, refused: 4, waiting: 1, receipted: 0 });
  const reasons = await until(async () => {
    const found = (await outbox.refused(10)).map(({ reason }) => reason);
    return found.includes("") ? null : found;
  }, "the reasons are kept");
  expect(reasons).toEqual(Array(4).fill("no assignment for it"));
});

it("shows a row that is destroyed as a gap, to the region and to the technician, for ever", async () => {
  await measure(2);
  await settled();
  region.setFaults({ silent: true });
  broker.configure({ onPublish: () => "hold" });
  await measure(2);
  await close();
  broker.configure({
    onPublish: () => ({ tag: "accepted" }),
    onDelivered: ({ topic, payload }) => region.receive(topic, payload),
  });
  region.setFaults({});
  const database = await openDatabase(join(folder, "outbox", "outbox.db"));
  await database.query("DELETE FROM reading WHERE seq = 8");
  await database.query("UPDATE reading SET crc = crc + 1 WHERE seq = 9");
  await database[Symbol.asyncDispose]();

  await open();
  await measure(2);
  await settled();
  expect(atRegion().gaps).toEqual([[8, 9]]);
  expect(outbox.account().skipped).toBe(1);
  expect(outbox.account().lines.reduce((sum, line) => sum + line.unreadable, 0)).toBe(1);
  expect(disagreement()).toEqual([]);
  // The region asks again and again, and the hub does not make it up.
  await clock.advance(minutes(30));
  expect(atRegion().missing).toBe(2);
  expect(region.counts()).toMatchObject({ accepted: 16, duplicatesInEffect: 0, gaps: 2 });
});

it("adds up after a salvage", async () => {
  await measure(10);
  await settled();
  broker.configure({ onPublish: () => "hold" });
  await measure(5);
  await close();
  broker.configure({
    onPublish: () => ({ tag: "accepted" }),
    onDelivered: ({ topic, payload }) => region.receive(topic, payload),
  });
  const file = join(folder, "outbox", "outbox.db");
  const bytes = await readFile(file);
  bytes.fill(0, 0, 100);
  await writeFile(file, bytes);
  await open();
  expect(outbox.recovered).not.toBeNull();
  await measure(3);
  await settled();
  expect(disagreement()).toEqual([]);
  expect(outbox.account().skipped).toBe(atRegion().missing);
  expect(region.counts()).toMatchObject({ accepted: 54, duplicatesInEffect: 0, numberingRestarts: 0 });
});

it("gives no number to a reading that a full disk turns away, so that no gap stands for it", async () => {
  await measure();
  await settled();
  disk.failOn(/INSERT INTO reading/, "outbox-disk-full");
  const turnedAway = reading("cuff");
  const refusal = await outbox.append([turnedAway], sensorId("cuff")).catch((thrown: unknown) => thrown);
  expect(isHubError(refusal, "outbox-disk-full")).toBe(true);
  await measure();
  // The sensor was not told that it is stored, and gives it again when there is room.
  expect(await outbox.append([turnedAway], sensorId("cuff"))).toEqual([{ tag: "stored", seq: 7 }]);
  hub.forwarder.wake();
  await settled();
  expect(disagreement()).toEqual([]);
  expect(atRegion()).toMatchObject({ high: 7, missing: 0 });
});
