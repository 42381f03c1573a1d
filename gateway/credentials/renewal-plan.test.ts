import * as fc from "fast-check";
import { expect, it } from "vitest";
import { epochMs, millis, minutes } from "../../protocol/time.ts";
import { boundedWait, endsSoon, LONGEST_WAIT, renewalDue, SHORTEST_WAIT, waitAfter } from "./renewal-plan.ts";

const DAY = 86_400_000;
const ninetyDays = { notBefore: epochMs(0), notAfter: epochMs(90 * DAY) };
const roll = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

it("renews when a third of the life is left, spread over a hundredth of it", () => {
  expect(renewalDue(ninetyDays, 0)).toBe(60 * DAY);
  expect(renewalDue(ninetyDays, 0.999)).toBeLessThan(60.9 * DAY);
});

it("tells a person when half of the time for it has gone by", () => {
  expect(endsSoon(ninetyDays, epochMs(74 * DAY))).toBe(false);
  expect(endsSoon(ninetyDays, epochMs(76 * DAY))).toBe(true);
  expect(endsSoon(ninetyDays, epochMs(100 * DAY))).toBe(true);
});

it("asks again after a minute to half a day, with full jitter, whatever the server asks for", () => {
  void fc.assert(
    fc.property(fc.nat(10_000), roll, (failures, value) => {
      const wait = waitAfter(failures, value);
      return wait >= SHORTEST_WAIT && wait <= LONGEST_WAIT;
    }),
  );
  expect(waitAfter(1, 0.5)).toBe(minutes(1.5));
  expect(waitAfter(4, 0)).toBe(SHORTEST_WAIT);
  expect(boundedWait(millis(0))).toBe(SHORTEST_WAIT);
  expect(boundedWait(minutes(60 * 24 * 365))).toBe(LONGEST_WAIT);
});
