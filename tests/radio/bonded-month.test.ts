import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { SHARED_CONNECT_DEADLINE } from "../../drivers/ble/noble-radio.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createBloodPressureCuff } from "../../hardware-sim/gatt/blood-pressure-cuff.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { createSmpResponder } from "../../hardware-sim/radio/smp/smp-responder.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { epochMs, type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import { type BondedHub, emptyRecord, startBondedHub, testCuff } from "./bonded-hub.ts";
import { startAdapter } from "./virtual-home.ts";

const SESSIONS = 1000;
/** A month in which the patient measures about every 43 minutes. */
const MONTH = minutes(30 * 24 * 60);
const RESTART_EVERY = 125;
/** New addresses that pass by between two measurements, as phones do: 20 000 in the month. */
const STRANGERS = 20;
/** A scan spell of the hub (60 s), and what comes after it. */
const SPELL = seconds(61);
const SPELL_EVERY = 10;
/** Deadlines of the hub for an answer: of the controller (one more is the look at its port), and of a sensor. */
const CONTROLLER_ANSWER = seconds(2);
const SENSOR_ANSWERS: readonly Millis[] = [SHARED_CONNECT_DEADLINE, seconds(10), seconds(30)];
/** Turns of the event loop in which packets get from one end of the line to the other. */
const ANSWER_TURNS = 200;
/** Bytes that a session may leave behind on average; its reading and its truth, which the test keeps, are some 1.5 kB. */
const MOST_GROWTH = 4096;

/** Collects garbage, and says what is left. */
const heapUsed = (): number => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
};

/** Of a line through the points, by least squares. */
const slopeOf = (points: readonly (readonly [number, number])[]): number => {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  const over = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return over / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("reads a bonded cuff 1 000 times in a month, over the one bond, and grows by nothing", {
  timeout: 300_000,
}, async () => {
  const simulated = createSimulatedClock();
  const due = new Set<{ readonly at: number; readonly delay: Millis }>();
  /** Time that nobody lived through: timers that run then end later by as much, as on a machine that is suspended. */
  let leapt = 0;
  const clock: Clock = {
    now: () => epochMs(simulated.now() + leapt),
    elapsed: () => millis(simulated.elapsed() + leapt),
    sleep: (delay, signal) => {
      const entry = { at: simulated.elapsed() + delay, delay };
      due.add(entry);
      return simulated.sleep(delay, signal).finally(() => due.delete(entry));
    },
  };
  const time = { stamp: () => ({ ...simulated.stamp(), utc: clock.now(), monoMs: clock.elapsed() }) };
  const chance = createChance(1000);
  const folder = await mkdtemp(join(tmpdir(), "hemhub-month-"));
  await using adapter = await startAdapter({ clock });
  const smp = createSmpResponder({
    clock,
    chance: chance.fork("smp"),
    io: "no-input-no-output",
    secureConnections: true,
    mitm: false,
    refusesRepairing: true,
  });
  await using cuff = createBloodPressureCuff({
    air: adapter.air,
    address: radioAddress(testCuff().address),
    identity: { manufacturer: "Maker", model: "Model", serial: "1", firmware: "1", systemId: "0011223344556677" },
    security: "encrypted",
    smp,
    afterwards: millis(100),
    faults: { earlyIndication: true },
  });
  const record = emptyRecord();
  const start = (): Promise<BondedHub> =>
    startBondedHub({ path: adapter.path, folder, sensors: [testCuff()], record, clock, time });
  let hub = await start();

  const awaitsAnswer = (): boolean => {
    const delays = [...due].map(({ delay }) => delay);
    return (
      delays.filter((delay) => delay === CONTROLLER_ANSWER).length > 1 ||
      delays.some((one) => SENSOR_ANSWERS.includes(one))
    );
  };
  /** Time stands still while packets are on their way; how many turns that takes does not matter to anybody's clock. */
  const settled = async (isSo: () => boolean, what: string): Promise<void> => {
    for (let turns = 0; !isSo(); turns++) {
      if (turns > 200_000) throw new Error(`in vain until ${what}`);
      await turn();
    }
  };
  /** Time passes in small steps until something has happened, none while the hub waits for an answer. */
  const live = async (isSo: () => boolean, what: string): Promise<void> => {
    for (let steps = 0; !isSo(); steps++) {
      if (steps > 20_000) throw new Error(`in vain until ${what}: ${JSON.stringify(hub.scheduler.status())}`);
      for (let turns = 0; turns < ANSWER_TURNS && awaitsAnswer(); turns++) await turn();
      // Neither packet nor timer: the disk, or a busy machine.
      if (awaitsAnswer()) await pause(1);
      await simulated.advance(millis(10));
    }
  };
  /** Timers of a hub that scans and waits for no answer: its look at the adapter's port, and the end of a scan spell. */
  const rest = (): Promise<void> =>
    settled(() => {
      const delays = [...due].map(({ delay }) => delay);
      return adapter.controller.scanning && delays.length === 2 && delays.includes(seconds(60));
    }, "the hub is at rest and scans");
  /** Silence: some of it lived through from one timer to the next, and the rest in one leap. */
  const pass = async (span: Millis, lived: Millis): Promise<void> => {
    const end = simulated.elapsed() + lived;
    while (simulated.elapsed() < end) {
      const next = Math.min(end, ...[...due].map(({ at }) => at));
      await simulated.advance(millis(Math.max(0, next - simulated.elapsed())));
      await rest();
    }
    leapt += span - lived;
  };
  const passBy = async (): Promise<void> => {
    for (let i = 0; i < STRANGERS; i++) {
      // LE Advertising Report: connectable, from a resolvable private address, offering a battery.
      const address = [...chance.bytes(5), (chance.whole(0, 255) & 0x3f) | 0x40];
      await adapter.line.write(fromHex(`043e1002010001${toHex(Uint8Array.from(address))}0403030f18c4`));
    }
  };
  const counts = () => ({
    process: ["SIGINT", "exit", "uncaughtException"].map((event) => process.listenerCount(event)),
    timers: due.size,
    links: adapter.controller.links,
    heard: hub.scheduler.status().unknown,
  });

  hub.desk.open("cuff");
  cuff.wake();
  await live(() => hub.desk.view("cuff").stage.tag === "paired", "the cuff is paired");

  // The sensor hangs up when it has told something.
  cuff.measure({ systolic: 99, diastolic: 66, meanArterial: 77, pulse: 51 });
  await live(() => cuff.state === "asleep" && adapter.controller.links === 0, "the cuff sleeps after the pairing");

  const points: (readonly [number, number])[] = [];
  const seen: ReturnType<typeof counts>[] = [];
  for (let session = 1; session <= SESSIONS; session++) {
    cuff.measure({ systolic: 100 + (session % 60), diastolic: 86, meanArterial: 97, pulse: 51 });
    await live(() => record.readings.length === session + 1, `reading ${session} is taken`);
    await live(() => cuff.state === "asleep" && adapter.controller.links === 0, "the cuff sleeps again");
    await rest();
    await passBy();
    await pass(millis(MONTH / SESSIONS), session % SPELL_EVERY === 0 ? SPELL : seconds(1));
    if (session % RESTART_EVERY !== 0) continue;
    points.push([session, heapUsed()]);
    seen.push(counts());
    await hub[Symbol.asyncDispose]();
    hub = await start();
    await rest();
  }

  expect(record.readings.map(({ hex }) => hex)).toEqual(cuff.truth.map(({ valueHex }) => valueHex));
  expect(record.readings).toHaveLength(SESSIONS + 1);
  expect(cuff.connections).toBe(SESSIONS + 1);
  expect(smp.pairings).toBe(1);
  expect(record.reports).toEqual([]);
  expect(clock.elapsed()).toBeGreaterThanOrEqual(MONTH);
  expect(seen).toEqual(seen.map(() => seen[0]));
  expect(slopeOf(points.slice(1)), JSON.stringify(points)).toBeLessThan(MOST_GROWTH);
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
