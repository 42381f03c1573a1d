import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { civilMs } from "../../drivers/normalise/civil-time.ts";
import { readingTime } from "../../drivers/normalise/time.ts";
import { type Observed, observe, type World, worlds } from "./simulated-world.ts";

/**
 * Where its clock cannot be read, a stored stamp of a wrong clock can by chance be one of the two minutes before it is
 * received, and is then taken for a fresh one. It is the one thing that the hub cannot see
 * (docs/decisions/2026-11-22-time.md).
 */
const looksFresh = ({ truth, connected, input, wasRead, isOnNew }: Observed): boolean => {
  const { at, device, pair, zone } = input;
  const civil = device === null ? null : civilMs(device);
  if (wasRead || civil === null || at.utc === null) return false;
  // On the timeline that began when the hub set the clock, although it was measured before.
  if (pair !== null) return isOnNew && truth < connected;
  const { earlier, later } = zone.instantOf(civil);
  const isStored = at.utc - truth > 62_000 + (at.hubClock.errorMs ?? 0);
  return isStored && [earlier, later ?? earlier].some((utc) => Math.abs((at.utc ?? 0) - utc) <= 125_000);
};

describe("the time of a reading", () => {
  it("is never off by more than it says", () => {
    let known = 0;
    let runs = 0;
    fc.assert(
      fc.property(worlds, (world) => {
        const observed = observe(world);
        fc.pre(!looksFresh(observed));
        const { truth, input } = observed;
        const { start, uncertaintyMs, basis } = readingTime(input);
        runs += 1;
        if (start === null) {
          expect([uncertaintyMs, basis]).toEqual([null, "unknown"]);
          return;
        }
        if (uncertaintyMs === null) {
          expect(input.at.hubClock.errorMs).toBeNull();
          return;
        }
        known += 1;
        expect(Math.abs(Date.parse(start) - truth)).toBeLessThanOrEqual(uncertaintyMs);
      }),
      { numRuns: 4000 },
    );
    // A hub that never says anything is never wrong either.
    expect(known / runs).toBeGreaterThan(0.3);
  });

  it("is known to seconds wherever both clocks were read together, and hours were not turned", () => {
    const plain = worlds.map(
      (world): World => ({
        ...world,
        zone: "Asia/Kolkata",
        channel: "read",
        earlier: null,
        sensor: { tag: "free", offset: world.sensor.offset },
        hub: { ...world.hub, state: "ntp", errorMs: 100 },
        age: world.age % 86_400_000,
      }),
    );
    fc.assert(
      fc.property(plain, (world) => {
        const { start, uncertaintyMs } = readingTime(observe(world).input);
        expect(start).not.toBeNull();
        expect(uncertaintyMs).toBeLessThan(12_000 + (world.isCoarse ? 60_000 : 0));
      }),
      { numRuns: 500 },
    );
  });
});
