import { expect, it } from "vitest";
import { readOptions } from "../../bench/durability/options.ts";

it("makes a full run with a seed of its own, unless told otherwise", () => {
  expect(readOptions([])).toEqual({
    mode: "full",
    json: false,
    out: "dist/durability.html",
    seed: expect.any(Number),
  });
  expect(readOptions(["--quick", "--json", "--out", "x.html", "--seed", "7"])).toEqual({
    mode: "quick",
    json: true,
    out: "x.html",
    seed: 7,
  });
});

it.each([
  ["a seed that is no whole number", ["--seed", "x"], "--seed x: give a whole number below 2^31"],
  ["a seed that is too large", ["--seed", "2147483648"], "--seed 2147483648: give a whole number below 2^31"],
  ["an option that there is not", ["--qiuck"], expect.stringContaining("--qiuck")],
])("refuses %s with a sentence", (_, args, sentence) => {
  expect(readOptions(args)).toEqual(sentence);
});
