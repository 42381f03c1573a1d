import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../protocol/errors.ts";
import type { Advertisement } from "../../protocol/ports/radio.ts";
import { createAdvertisementQueue, QUEUE_LIMIT } from "./advertisement-queue.ts";

const at = createSimulatedClock().stamp();
const from = (address: string, rssi = -60): Advertisement => ({
  address,
  addressType: "random",
  connectable: true,
  services: [],
  rssi,
  at,
});

it("hands out the newest advertisement of each advertiser, in the order in which they were first heard", async () => {
  const queue = createAdvertisementQueue();
  queue.put(from("a", -80));
  queue.put(from("b"));
  queue.put(from("a", -50));
  expect(await queue.next()).toMatchObject({ address: "a", rssi: -50 });
  expect(await queue.next()).toMatchObject({ address: "b" });
});

it("waits for the next one", async () => {
  const queue = createAdvertisementQueue();
  const waiting = queue.next();
  queue.put(from("a"));
  expect(await waiting).toMatchObject({ address: "a" });
});

it("lets the advertiser go that waits longest when there are too many", async () => {
  const queue = createAdvertisementQueue();
  for (let i = 0; i <= QUEUE_LIMIT; i++) queue.put(from(String(i)));
  expect(await queue.next()).toMatchObject({ address: "1" });
});

it("ends at once, with what still waits left out", async () => {
  const queue = createAdvertisementQueue();
  queue.put(from("a"));
  queue.end(null);
  queue.put(from("b"));
  expect(await queue.next()).toBeNull();
});

it("ends for who waits with the error that it is ended with", async () => {
  const queue = createAdvertisementQueue();
  const waiting = queue.next();
  queue.end(new HubError("adapter-absent", "adapter: gone; replug it"));
  await expect(waiting).rejects.toThrow("gone");
});
