import { expect, it } from "vitest";
import { seconds } from "../../protocol/time.ts";
import { isRested } from "./rest.ts";

const long = seconds(60);

it("leaves nobody alone while no update is wanted", () => {
  for (const isWired of [true, false]) expect(isRested({ isWired, state: null, since: seconds(0) })).toBe(false);
});

it("leaves alone what is wired until the outcome", () => {
  for (const state of ["idle", "downloading", "waiting-window", "trial", "rolling-back"]) {
    expect(isRested({ isWired: true, state, since: long })).toBe(true);
  }
});

it("uses Bluetooth sensors with pauses until the hub is about to switch, not then, and as ever in the trial", () => {
  const rests = (state: string, since = seconds(0)): boolean => isRested({ isWired: false, state, since });
  expect(["trial", "committing", "rolling-back"].some((state) => rests(state))).toBe(false);
  expect(["verifying", "staged", "activating"].every((state) => rests(state, long))).toBe(true);
  for (const state of ["idle", "checking", "offered", "downloading", "paused", "waiting-window"]) {
    expect([rests(state), rests(state, long)]).toEqual([true, false]);
  }
});
