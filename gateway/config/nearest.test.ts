import { expect, it } from "vitest";
import { didYouMean, nearest } from "./nearest.ts";

const KNOWN = ["status", "sensor list", "outbox", "link", "check"];

it.each([
  ["statsu", "status"],
  ["Status", "status"],
  ["sensors list", "sensor list"],
  ["lnk", "link"],
])("finds for %s the word %s", (word, meant) => {
  expect(nearest(word, KNOWN)).toBe(meant);
});

it("suggests nothing for a word that is not near any", () => {
  expect(nearest("reboot", KNOWN)).toBeNull();
  expect(nearest("x".repeat(10_000), KNOWN)).toBeNull();
  expect(didYouMean("reboot", KNOWN)).toBe("");
  expect(didYouMean("chekc", KNOWN)).toBe(" (did you mean check?)");
});
