import { expect, it } from "vitest";
import { madeMsOf } from "./manufacture.ts";

const utc = (day: string): number => Date.parse(`${day}T00:00:00Z`);

it.each([
  ["(01)04015672104587(11)240131(21)ABC", "2024-01-30"],
  ["(11)260600(01)04015672104587", "2026-05-31"],
])("reads the production date of %s, with the day before for homes that are ahead of UTC", (udi, from) => {
  expect(madeMsOf(udi)).toBe(utc(from));
});

it.each([
  [null],
  ["04015672104587"],
  ["(01)04015672104587(17)300131(21)ABC"],
  ["(11)241331"],
  ["(11)24013"],
  ["(11)2401311"],
])("does not find one in %s", (udi) => {
  expect(madeMsOf(udi)).toBeNull();
});
