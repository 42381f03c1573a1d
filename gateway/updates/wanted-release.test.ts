import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dayWindow, parseWantedRelease } from "./wanted-release.ts";

const LEAST = { campaign: "autumn", target: "releases/hemhub-2.sqfs.zst", counter: 7 };

describe("the region's wish for a release", () => {
  it("is for everybody, at once and without haste where it says no more than what", () => {
    expect(parseWantedRelease(LEAST, null)).toEqual({
      tag: "wanted",
      wanted: { ...LEAST, notBefore: null, window: null, bucketMax: 10_000, urgency: "routine", folder: null },
    });
  });

  it("has a first moment, a part of the day, a share of the hubs and a haste", () => {
    const given = {
      ...LEAST,
      notBefore: "2026-12-01T02:00:00Z",
      window: "22:30-05:00",
      bucketMax: 10,
      urgency: "soon",
    };
    expect(parseWantedRelease(given, "/media/stick")).toMatchObject({
      wanted: {
        notBefore: Date.UTC(2026, 11, 1, 2),
        window: { from: 22 * 60 + 30, to: 5 * 60 },
        bucketMax: 10,
        urgency: "soon",
        folder: "/media/stick",
      },
    });
  });

  it.each([
    ["nothing", undefined, "not an object"],
    ["a list", [LEAST], "not an object"],
    ["no campaign", { ...LEAST, campaign: "" }, "`campaign`"],
    ["a campaign without end", { ...LEAST, campaign: "x".repeat(65) }, "`campaign`"],
    ["no target", { ...LEAST, target: 3 }, "`target`"],
    ["a counter below 0", { ...LEAST, counter: -1 }, "`counter`"],
    ["a counter that is no whole number", { ...LEAST, counter: 1.5 }, "`counter`"],
    ["more than all hubs", { ...LEAST, bucketMax: 10_001 }, "`bucketMax`"],
    ["a haste that nobody knows", { ...LEAST, urgency: "now" }, "`urgency`"],
    ["a day without an hour", { ...LEAST, window: "night" }, "`window`"],
    ["a moment that is none", { ...LEAST, notBefore: "tomorrow" }, "`notBefore`"],
  ])("is refused with a reason where it has %s", (_name, given, named) => {
    const parsed = parseWantedRelease(given, null);
    expect(parsed).toMatchObject({ tag: "wrong", reason: expect.stringContaining(named) });
  });

  it("never throws, and names no folder that the region could choose", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (given) => {
        const parsed = parseWantedRelease(given, null);
        expect(parsed.tag === "wrong" || parsed.wanted.folder === null).toBe(true);
      }),
    );
    expect(parseWantedRelease({ ...LEAST, folder: "/tmp" }, null)).toMatchObject({ wanted: { folder: null } });
  });
});

describe("a part of the day", () => {
  it("may span midnight", () => {
    expect(dayWindow("23:00-01:30")).toEqual({ from: 1380, to: 90 });
  });

  it.each(["24:00-01:00", "1:00-02:00", "02:00", "02:00-02:00", "02:00-03:00-04:00", "02:60-03:00", ""])(
    "is not %s",
    (text) => {
      expect(dayWindow(text)).toBeNull();
    },
  );
});
