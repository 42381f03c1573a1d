import { expect, it } from "vitest";
import type { ClockStep } from "./hub-time.ts";
import { reportStep } from "./report-step.ts";

const said = (step: ClockStep): readonly string[] => {
  const messages: string[] = [];
  reportStep(step, (code, message) => messages.push(`${code}: ${message}`));
  return messages;
};

it("says how far a clock that was believed has been set", () => {
  expect(said({ byMs: -7_200_000, before: "ntp", after: "ntp" })).toEqual([
    "clock-fault: the hub's clock was set back by 2 h; readings stored before keep the time they have",
  ]);
  expect(said({ byMs: 90_000, before: "holdover", after: "ntp" })).toMatchObject([
    expect.stringContaining("forward by 2 min"),
  ]);
});

it("says that a clock is not believed any more", () => {
  expect(said({ byMs: 2e12, before: "ntp", after: "unset" })).toMatchObject([
    expect.stringContaining("cannot be right"),
  ]);
});

it("does not speak of a clock that was set for the first time, nor of NTP's own steps", () => {
  expect(said({ byMs: 1.7e12, before: "unset", after: "ntp" })).toEqual([]);
  expect(said({ byMs: 5000, before: "rtc", after: "ntp" })).toEqual([]);
});
