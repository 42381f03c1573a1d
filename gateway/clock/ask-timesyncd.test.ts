import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { epochMs, seconds } from "../../protocol/time.ts";
import { createTimesyncd, type TimesyncExchange } from "./ask-timesyncd.ts";
import { FRESH, isFresh } from "./synchronisation.ts";
import { readExchange } from "./timesync-bus.ts";

const NOON = Date.UTC(2026, 5, 15, 12);

let folder: string;
let file: string;
let clock: SimulatedClock;
let asked: number;
let exchange: TimesyncExchange | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-timesyncd-"));
  file = join(folder, "synchronized");
  clock = createSimulatedClock({ startAt: epochMs(NOON) });
  asked = 0;
  exchange = null;
});

afterEach(() => rm(folder, { recursive: true }));

const source = () =>
  createTimesyncd({
    clock,
    file,
    lastExchange: async () => {
      asked += 1;
      return exchange;
    },
  });

/** timesyncd has set the clock: its file has the time of then. */
const touch = async (at: number): Promise<void> => {
  await writeFile(file, "");
  await utimes(file, at / 1000, at / 1000);
};

it("is absent without the file, and where it is there, as old as the file", async () => {
  const ask = source();
  expect(await ask()).toEqual({ tag: "absent" });
  await touch(NOON - 60_000);
  expect(await ask()).toMatchObject({
    tag: "synchronised",
    sync: { source: "timesyncd", boundMs: 103, ageMs: 60_000, stratum: null },
  });
});

it("takes the daemon's word for the bound, and asks for it once a comparison", async () => {
  exchange = { reference: "192.0.2.1", stratum: 3, boundMs: 8 };
  const ask = source();
  await touch(NOON);
  await ask();
  await clock.advance(seconds(2000));
  expect(await ask()).toMatchObject({ sync: { reference: "192.0.2.1", stratum: 3, boundMs: 108, ageMs: 2_000_000 } });
  expect(asked).toBe(1);
  exchange = null;
  await touch(clock.now());
  expect(await ask()).toMatchObject({ sync: { boundMs: 100, ageMs: 0 } });
  expect(asked).toBe(2);
});

it("does not count for ever: a daemon that has lost its servers, or has stopped, leaves its file behind", async () => {
  await touch(NOON - FRESH - 1000);
  const found = await source()();
  expect(found.tag === "synchronised" && isFresh(found.sync)).toBe(false);
});

it("does not count where the clock was set back behind it", async () => {
  await touch(NOON + 3_600_000);
  expect(await source()()).toMatchObject({ tag: "unsynchronised" });
});

/** One exchange: 20 ms each way, the server 5 ms ahead; root delay 10 ms, root dispersion 3 ms. */
const NTP_MESSAGE: readonly unknown[] = [
  0,
  4,
  4,
  2,
  -24,
  10_000n,
  3000n,
  new Uint8Array([192, 0, 2, 9]),
  1_780_000_000_000_000n,
  1_780_000_000_025_000n,
  1_780_000_000_025_000n,
  1_780_000_000_040_000n,
  false,
  12n,
  400n,
];

const changed = (at: number, value: unknown): readonly unknown[] => NTP_MESSAGE.with(at, value);

it("bounds the error of an exchange by offset, root dispersion, and half of both delays", () => {
  const exchange = readExchange(NTP_MESSAGE, [2, new Uint8Array([192, 0, 2, 9])]);
  expect(exchange).toEqual({ reference: "192.0.2.9", stratum: 2, boundMs: 5 + 3 + (10 + 40) / 2 });
  expect(readExchange(NTP_MESSAGE, null)?.reference).toBeNull();
});

it.each([
  ["no message", null],
  ["a shorter one", NTP_MESSAGE.slice(1)],
  ["a server that is not synchronised", changed(0, 3)],
  ["stratum 0", changed(3, 0)],
  ["stratum 16", changed(3, 16)],
  ["a spike", changed(12, true)],
  ["a word for a number", changed(6, "3000")],
  ["one that was never sent", changed(8, 0n)],
])("makes nothing of %s", (_, message) => {
  expect(readExchange(message, null)).toBeNull();
});
