import { expect, it } from "vitest";
import { HubError } from "../../protocol/errors.ts";
import { sensorId, seq } from "../../protocol/ids.ts";
import type { Reading, ReadingValue } from "../../protocol/reading.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { openPlausibility } from "./open-plausibility.ts";

const weight = (kg: number, counter: number): Reading => {
  const value: ReadingValue = { mdc: 188_736, name: "MDC_MASS_BODY_ACTUAL", value: kg, decimals: 1, unit: "kg" };
  return { ...sampleReading(counter), values: [value], seq: seq(counter) };
};

const HOME = { plausibility: [], sensors: [] };

it("compares the first reading after a start with what still waits for the region", async () => {
  const { judge } = await openPlausibility(HOME, { newest: async () => [weight(80, 1)] }, silentLogger);
  expect(judge(sensorId("scale"), weight(62, 2)).quality).toEqual(["unconfirmed"]);
});

it("begins with nothing where the outbox cannot be read, and hides no broken invariant", async () => {
  const failing = (thrown: Error) => ({ newest: () => Promise.reject(thrown) });
  const poisoned = new HubError("outbox-poisoned", "outbox: it cannot be read");
  const { judge } = await openPlausibility(HOME, failing(poisoned), silentLogger);
  expect(judge(null, weight(62, 2)).quality).toEqual([]);
  await expect(openPlausibility(HOME, failing(new TypeError("x")), silentLogger)).rejects.toThrow(TypeError);
});
