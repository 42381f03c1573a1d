import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createBloodPressureCuff } from "../../hardware-sim/gatt/blood-pressure-cuff.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { advertisingData } from "../../hardware-sim/radio/advertising-data.ts";
import type { Air } from "../../hardware-sim/radio/air.ts";
import { resolvableAddress } from "../../hardware-sim/radio/resolvable-address.ts";
import { type Chance, createChance } from "../../hardware-sim/radio/seeded.ts";
import { createSmpResponder } from "../../hardware-sim/radio/smp/smp-responder.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { emptyRecord, startBondedHub, testCuff } from "./bonded-hub.ts";
import { startAdapter } from "./virtual-home.ts";

const OURS = 6;
const NEIGHBOURS = 44;
const MINUTE = 60_000;
/** How long a sensor can be met after a measurement. */
const ADVERTISED_FOR = seconds(20);
const VALUES = { systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51 };
const SERVICES = ["1810", "1809", "181d", "1822", "180f", "180d"];

/** Somebody else's sensor, heard all the time; every third has a private address that is new each few seconds. */
const advertiseForEver = async (air: Air, index: number, dice: Chance, signal: AbortSignal): Promise<number> => {
  const key = dice.bytes(16);
  const fixed = radioAddress(`c4:00:00:00:00:${index.toString(16).padStart(2, "0")}`);
  const data = advertisingData({ services: [SERVICES[index % SERVICES.length] ?? "180f"] });
  const interval = millis(dice.whole(100, 1000));
  let connections = 0;
  while (!signal.aborted) {
    const over = new AbortController();
    const address = index % 3 === 0 ? resolvableAddress(key, dice) : fixed;
    const ended = AbortSignal.any([signal, over.signal]);
    const moved = air.clock.sleep(seconds(5), ended).then(
      () => over.abort(),
      () => undefined,
    );
    const accept = (): never => {
      connections += 1;
      throw new Error("the hub connected to a neighbour's sensor");
    };
    await air
      .advertise({ address, interval, connectable: true, data, scanResponse: null, accept }, ended)
      .catch(() => undefined);
    over.abort();
    await moved;
  }
  return connections;
};

it.each([
  { how: "at any time of a minute", seed: 1, isTogether: false, loss: 0.1 },
  { how: "at any time of a minute, over a weak radio", seed: 2, isTogether: false, loss: 0.3 },
  { how: "all at once", seed: 3, isTogether: true, loss: 0.1 },
])("reads all six of ours among fifty sensors, measuring $how", { timeout: 120_000 }, async (given) => {
  const { seed, isTogether, loss } = given;
  const clock = createSimulatedClock();
  const dice = createChance(seed);
  const folder = await mkdtemp(join(tmpdir(), "hemhub-flats-"));
  const record = emptyRecord();
  await using adapter = await startAdapter({ clock });
  const sensors = Array.from({ length: OURS }, (_, i) =>
    testCuff({ id: `cuff-${i}`, address: `c0:26:da:00:00:1${i}` }),
  );
  const irk = dice.bytes(16);
  await using stack = new AsyncDisposableStack();
  const cuffs = sensors.map(({ address }, i) => {
    const isPrivate = i === 0;
    const identity = { address: radioAddress(address), irk };
    const smp = createSmpResponder({
      clock,
      chance: dice.fork(address),
      io: "no-input-no-output",
      secureConnections: i % 2 === 0,
      mitm: false,
      ...(isPrivate ? { identity } : {}),
    });
    return stack.use(
      createBloodPressureCuff({
        air: adapter.air,
        address: radioAddress(address),
        ...(isPrivate ? { irk } : {}),
        identity: { manufacturer: "A", model: "B", serial: address, firmware: "1", systemId: "0011223344556677" },
        security: "encrypted",
        smp,
        advertiseFor: ADVERTISED_FOR,
        interval: millis(100),
      }),
    );
  });
  const hub = stack.use(await startBondedHub({ path: adapter.path, folder, sensors, record, clock, time: clock }));
  /** A hundredth of a second for everybody, and the time that packets need on their lines meanwhile. */
  const step = async (): Promise<void> => {
    await clock.advance(millis(10));
    await pause(1);
  };

  const happens = async (isSo: () => boolean, what: string): Promise<void> => {
    for (let steps = 0; !isSo(); steps++) {
      if (steps > 2000) throw new Error(`in vain until ${what}: ${JSON.stringify(hub.scheduler.status().sensors)}`);
      await step();
    }
  };

  for (const [i, { id }] of sensors.entries()) {
    hub.desk.open(id);
    cuffs[i]?.wake();
    await happens(() => hub.desk.view(id).stage.tag === "paired", `${id} is paired`);
    cuffs[i]?.measure(VALUES);
  }
  await happens(() => cuffs.every(({ state }) => state === "asleep"), "all of them sleep");
  const before = record.readings.length;
  expect(before).toBe(OURS);
  const gone = new AbortController();
  adapter.air.setLoss(loss);
  const neighbours = Array.from({ length: NEIGHBOURS }, (_, i) =>
    advertiseForEver(adapter.air, i, dice.fork(`neighbour ${i}`), gone.signal),
  );

  const startAt = clock.elapsed();
  const plan = cuffs.map((cuff) => ({ cuff, at: isTogether ? 0 : dice.whole(0, MINUTE) }));
  let waiting = plan;
  while (clock.elapsed() - startAt < MINUTE + ADVERTISED_FOR && record.readings.length < before + OURS) {
    const due = waiting.filter(({ at }) => clock.elapsed() - startAt >= at);
    waiting = waiting.filter((one) => !due.includes(one));
    for (const { cuff } of due) cuff.measure(VALUES);
    await step();
  }
  gone.abort();
  const read = record.readings.slice(before);
  expect(read.map(({ sensor }) => sensor).toSorted(), `seed ${seed}`).toEqual(sensors.map(({ id }) => id));
  expect(read.map(({ address }) => address).toSorted()).toEqual(sensors.map(({ address }) => address));
  expect(record.reports.filter(({ code }) => code !== "unknown-sensor")).toEqual([]);
  for (let steps = 0; steps < 50; steps++) await step();
  expect(await Promise.all(neighbours)).toEqual(neighbours.map(() => 0));
  await rm(folder, { recursive: true });
});
