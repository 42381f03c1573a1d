import { describe, expect, it } from "vitest";
import { isHubError } from "../../protocol/errors.ts";
import { createZones, fixedZone } from "./zone.ts";

const civil = (text: string): number => Date.parse(`${text}Z`);
const HOUR = 3_600_000;

describe("zone", () => {
  const stockholm = createZones().zone("Europe/Stockholm");

  it("knows summer and winter time of the home", () => {
    expect(stockholm.offsetAt(civil("2026-01-15T12:00:00"))).toBe(HOUR);
    expect(stockholm.offsetAt(civil("2026-07-15T12:00:00"))).toBe(2 * HOUR);
  });

  it("changes at the minute that the law says, 01:00 UTC on 29 March and 25 October 2026", () => {
    expect(stockholm.offsetAt(civil("2026-03-29T00:59:59"))).toBe(HOUR);
    expect(stockholm.offsetAt(civil("2026-03-29T01:00:00"))).toBe(2 * HOUR);
    expect(stockholm.offsetAt(civil("2026-10-25T00:59:59"))).toBe(2 * HOUR);
    expect(stockholm.offsetAt(civil("2026-10-25T01:00:00"))).toBe(HOUR);
  });

  it("gives both instants of the hour that occurs twice", () => {
    expect(stockholm.instantOf(civil("2026-10-25T02:30:00"))).toEqual({
      earlier: civil("2026-10-25T00:30:00"),
      later: civil("2026-10-25T01:30:00"),
      skipped: false,
    });
  });

  it("says that an hour does not occur", () => {
    expect(stockholm.instantOf(civil("2026-03-29T02:30:00"))).toEqual({
      earlier: civil("2026-03-29T01:30:00"),
      later: null,
      skipped: true,
    });
  });

  it.each([
    ["2026-03-29T01:59:59", "2026-03-29T00:59:59"],
    ["2026-03-29T03:00:00", "2026-03-29T01:00:00"],
    ["2026-10-25T01:59:59", "2026-10-24T23:59:59"],
    ["2026-10-25T03:00:00", "2026-10-25T02:00:00"],
    ["2027-01-01T00:30:00", "2026-12-31T23:30:00"],
  ])("has one instant for %s", (local, utc) => {
    expect(stockholm.instantOf(civil(local))).toEqual({ earlier: civil(utc), later: null, skipped: false });
  });

  it.each([
    ["UTC", "2026-07-01T00:00:00", 0],
    ["Asia/Kathmandu", "2026-07-01T00:00:00", 345],
    ["America/St_Johns", "2026-01-01T00:00:00", -210],
    ["Australia/Lord_Howe", "2026-07-01T00:00:00", 630],
    ["Africa/Casablanca", "2026-03-01T00:00:00", 0],
  ])("reads the offset of %s at %s as %i minutes", (name, at, minutes) => {
    expect(createZones().zone(name).offsetAt(civil(at))).toBe(minutes * 60_000);
  });

  it("agrees with the runtime's own conversion at every hour of three years", () => {
    const format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: "Europe/Stockholm",
      dateStyle: "short",
      timeStyle: "medium",
    });
    for (let at = civil("2025-01-01T00:00:00"); at < civil("2028-01-01T00:00:00"); at += HOUR) {
      const local = new Date(at + stockholm.offsetAt(at)).toISOString().slice(0, 19).replace("T", " ");
      if (format.format(at) !== local) expect.fail(`${new Date(at).toISOString()}: ${local}, not ${format.format(at)}`);
    }
  });

  it("asks for a name that exists", () => {
    expect(() => createZones().zone("Europe/Stokholm")).toThrow(/IANA name/);
    try {
      createZones().zone("nowhere");
    } catch (thrown) {
      expect(isHubError(thrown, "invalid-config")).toBe(true);
    }
  });

  it("has a zone for a sensor that sends its own offset", () => {
    expect(fixedZone(-90).instantOf(civil("2026-01-01T00:00:00")).earlier).toBe(civil("2026-01-01T01:30:00"));
    expect(fixedZone(-90).offsetAt(0)).toBe(-90 * 60_000);
  });
});
