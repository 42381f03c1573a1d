import { describe, expect, it } from "vitest";
import { HUB_CLOCK } from "./hub-clock.matrix.ts";
import { LOST_CLOCK } from "./lost-clock.matrix.ts";
import { SENSOR_CLOCK } from "./sensor-clock.matrix.ts";
import { check } from "./situation.ts";
import { TURNED_CLOCKS } from "./turned-clocks.matrix.ts";

const PARTS = { SENSOR_CLOCK, LOST_CLOCK, TURNED_CLOCKS, HUB_CLOCK };

/*
 * Each case says what truly happened, what the hub could see of it, and what it makes of that. A start is never off the
 * truth by more than its uncertainty, and the uncertainty is no larger than the case finds fair.
 */
describe.each(Object.entries(PARTS))("time matrix, %s", (_name, rows) => {
  it.each(rows.map((row) => [row.it, row] as const))("%s", (_it, row) => {
    check(row);
  });
});

it("covers at least 60 cases, each once", () => {
  const names = Object.values(PARTS).flatMap((rows) => rows.map((row) => row.it));
  expect(names.length).toBeGreaterThanOrEqual(60);
  expect(new Set(names).size).toBe(names.length);
});
