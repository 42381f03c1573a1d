import { describe, expect, it } from "vitest";
import { checkReleaseTerms, parseReleaseTerms, type ThisHub } from "./target-policy.ts";

const TERMS = { hardware: ["rpi4b", "rpi5"], arch: "arm64", counter: 12, minFrom: 10 };
const HUB: ThisHub = { hardware: "rpi5", arch: "arm64", running: 11, counterFloor: 11 };

const check = (custom: unknown, hub: Partial<ThisHub> = {}) => checkReleaseTerms("release", custom, { ...HUB, ...hub });
const refusal = (code: string, sentence: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(sentence) });

describe("a release", () => {
  it("is taken by a hub that it is for, also again", () => {
    expect(check({ ...TERMS, more: true })).toEqual(TERMS);
    expect(check(TERMS, { running: 12, counterFloor: 12 })).toEqual(TERMS);
  });

  it("for other hardware is refused", () => {
    expect(() => check(TERMS, { hardware: "x86-box" })).toThrow(refusal("update-unfit", /for rpi4b, rpi5.*x86-box/));
    expect(() => check({ ...TERMS, hardware: [] })).toThrow(refusal("update-unfit", /no hardware/));
  });

  it("for another processor is refused", () => {
    expect(() => check(TERMS, { arch: "arm" })).toThrow(refusal("update-unfit", /for arm64.*is arm;/));
  });

  it("with a lower counter is refused, and the way back is told", () => {
    expect(() => check(TERMS, { counterFloor: 13 })).toThrow(refusal("update-rolled-back", /higher counter/));
  });

  it("that leaps over one in between is refused", () => {
    expect(() => check(TERMS, { running: 9 })).toThrow(refusal("update-unfit", /from counter 10 on, and 9 runs/));
  });

  it.each([
    null,
    "text",
    {},
    { ...TERMS, hardware: "rpi5" },
    { ...TERMS, hardware: [5] },
    { ...TERMS, arch: 5 },
    { ...TERMS, counter: "12" },
    { ...TERMS, counter: -1 },
    { ...TERMS, counter: 1.5 },
    { ...TERMS, minFrom: undefined },
  ])("without sound terms fits no hub: %j", (custom) => {
    expect(parseReleaseTerms(custom)).toBeNull();
    expect(() => check(custom)).toThrow(refusal("update-unfit", /does not say/));
  });
});
