import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { Advertisement } from "../../protocol/ports/radio.ts";
import { millis, minutes } from "../../protocol/time.ts";
import { createUnknownAdvertisers, REMEMBERED_LIMIT, REPORTS_PER_HOUR } from "./unknown-advertisers.ts";

const at = createSimulatedClock().stamp();
const from = (address: string, ...services: string[]): Advertisement => ({
  address,
  addressType: "random",
  connectable: true,
  services,
  rssi: -70,
  at,
});

it("names the medical service of an advertiser once an hour", () => {
  const unknown = createUnknownAdvertisers();
  expect(unknown.notice(from("a", "180a", "1810"), millis(0))).toBe("1810");
  expect(unknown.notice(from("a", "1810"), minutes(59))).toBeNull();
  expect(unknown.notice(from("b", "1822"), minutes(59))).toBe("1822");
  expect(unknown.notice(from("a", "1810"), minutes(60))).toBe("1810");
  expect([unknown.heard, unknown.reported]).toEqual([4, 3]);
});

it("pays no attention to what is not medical", () => {
  const unknown = createUnknownAdvertisers();
  expect(unknown.notice(from("a", "180f", "feaa"), millis(0))).toBeNull();
  expect(unknown.heard).toBe(0);
});

it("stays within its bounds when thousands of addresses come by", () => {
  const unknown = createUnknownAdvertisers();
  let named = 0;
  for (let i = 0; i < 10_000; i++) if (unknown.notice(from(`a${i}`, "1808"), minutes(i / 200)) !== null) named += 1;
  expect(named).toBe(REPORTS_PER_HOUR);
  for (let i = 0; i < 10_000; i++) unknown.notice(from(`b${i}`, "1808"), minutes(60 * (i + 2)));
  expect(unknown.remembered).toBe(REMEMBERED_LIMIT);
  expect(unknown.heard).toBe(20_000);
});
