import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareFirmware, firmwareRangeText, firmwareWithin } from "./firmware.ts";

const within = (revision: string, from: string | null, to: string | null): string =>
  firmwareWithin(revision, { from, to });

describe("firmware revisions", () => {
  it.each<[string, string, number | null]>([
    ["1.9", "1.10", -1],
    ["2.0", "2.0.0", 0],
    ["2.0", "2.0.1", -1],
    ["V1.2", "v1.2", 0],
    ["BLP010_d007_008", "BLP010_d008_001", -1],
    ["HTP008_134", "HTP008_133", 1],
    ["007", "7", 0],
    ["99999999999999999998", "99999999999999999999", -1],
    ["BLP010", "WSP006", null],
    ["2.0b", "2.0", null],
    ["2.0-rc", "2.0b", null],
    ["", "1", -1],
  ])("are ordered by their numbers: %s and %s", (left, right, order) => {
    expect(compareFirmware(left, right)).toBe(order);
    expect(compareFirmware(right, left)).toBe(order === null || order === 0 ? order : -order);
  });

  it("lie inside a range, outside, or nobody can tell", () => {
    expect(within("1.5", "1.0", "2.0")).toBe("inside");
    expect(within("2.0", "1.0", "2.0")).toBe("inside");
    expect(within("0.9", "1.0", null)).toBe("outside");
    expect(within("2.1", null, "2.0")).toBe("outside");
    expect(within("BLP", "1.0", "2.0")).toBe("unknown");
    expect(within("whatever", null, null)).toBe("inside");
  });

  it("agree with themselves whatever is written", () => {
    void fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        const order = compareFirmware(left, right);
        const back = compareFirmware(right, left);
        return (
          compareFirmware(left, left) === 0 && (order === null ? back === null : order + (back ?? Number.NaN) === 0)
        );
      }),
    );
  });

  it("are said as a person would", () => {
    expect(
      [
        ["1.0", "2.0"],
        ["1.0", "1.0"],
        ["1.0", null],
        [null, "2.0"],
        [null, null],
      ].map(([from = null, to = null]) => firmwareRangeText({ from, to })),
    ).toEqual(["1.0 to 2.0", "1.0", "1.0 or newer", "2.0 or older", "every one"]);
  });
});
