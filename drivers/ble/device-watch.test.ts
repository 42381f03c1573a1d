import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { seconds } from "../../protocol/time.ts";
import { until } from "../../tests/support/until.ts";
import { devicePathOf, untilUnplugged } from "./device-watch.ts";

let folder: string;
let device: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "hemhub-device-"));
  device = path.join(folder, "ttyUSB0");
  await writeFile(device, "");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const watch = (where: string) => {
  const clock = createSimulatedClock();
  const stop = new AbortController();
  const held: { unplugged: boolean | null } = { unplugged: null };
  const done = untilUnplugged(where, clock, stop.signal).then((unplugged) => {
    held.unplugged = unplugged;
  });
  /** The next look at the device, which is real and takes its time. */
  const look = async (): Promise<void> => {
    await until(() => clock.sleeping === 1 || held.unplugged !== null, "the watch sleeps or is over");
    await clock.advance(seconds(2));
    await until(() => clock.sleeping === 1 || held.unplugged !== null, "the watch has looked");
  };
  return { held, look, stop, done };
};

it("notices that the device is gone", async () => {
  const { held, look } = watch(device);
  await look();
  expect(held.unplugged).toBeNull();
  await rm(device);
  await look();
  expect(held.unplugged).toBe(true);
});

it("notices that another device has taken its name", async () => {
  const { held, look } = watch(device);
  await look();
  await writeFile(`${device}.new`, "");
  await rename(`${device}.new`, device);
  await look();
  expect(held.unplugged).toBe(true);
});

it("ends when it is told to, and at once where there is no device", async () => {
  const { held, look, stop, done } = watch(device);
  await look();
  stop.abort();
  await done;
  expect(held.unplugged).toBe(false);
  await expect(untilUnplugged(path.join(folder, "none"), createSimulatedClock(), stop.signal)).resolves.toBe(false);
});

it("looks at the port of a serial adapter, and at the kernel's entry of a local one", () => {
  expect(devicePathOf({ type: "uart", path: device, baudRate: 1 })).toBe(device);
  expect(devicePathOf({ type: "hci", device: 3 })).toBe("/sys/class/bluetooth/hci3");
});
