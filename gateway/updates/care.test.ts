import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DayWindow, Urgency, WantedRelease } from "../../ota/update/update-state.ts";
import { epochMs, millis, minutes } from "../../protocol/time.ts";
import { BACKLOG_AGE, type CareCircumstances, careComesFirst, isWithin, minuteOfDay } from "./care.ts";

const wanted = (urgency: Urgency, more: Partial<WantedRelease> = {}): WantedRelease => ({
  campaign: "c",
  target: "releases/7",
  counter: 7,
  notBefore: null,
  window: null,
  bucketMax: 10_000,
  urgency,
  folder: null,
  ...more,
});

const calm: CareCircumstances = {
  measuring: null,
  isOnline: true,
  minuteOfDay: 180,
  quietHours: null,
  backlog: { waiting: 0, oldestAgeMs: null, isDraining: false },
};

const codes = (
  circumstances: Partial<CareCircumstances>,
  more: Partial<WantedRelease> = {},
): Record<string, unknown> => {
  const of = (urgency: Urgency, isByHand = false): string | null =>
    careComesFirst(wanted(urgency, more), isByHand, { ...calm, ...circumstances })?.code ?? null;
  return { routine: of("routine"), soon: of("soon"), critical: of("critical"), byHand: of("routine", true) };
};

const everybodyWaits = (code: string) => ({ routine: code, soon: code, critical: code, byHand: code });
const nobodyWaits = { routine: null, soon: null, critical: null, byHand: null };

describe("before a release is started", () => {
  it("nothing holds it up where nobody is disturbed", () => {
    expect(codes({})).toEqual(nobodyWaits);
  });

  it("a measurement comes first, whatever the urgency and whoever asks", () => {
    expect(codes({ measuring: "sensor cuff is measuring", isOnline: false })).toEqual(everybodyWaits("measuring"));
    const why = careComesFirst(wanted("critical"), true, { ...calm, measuring: "sensor cuff is measuring" });
    expect(why?.sentence).toBe("update: sensor cuff is measuring; it begins when that is over");
  });

  it("a hub without a link waits, but for a person with a stick", () => {
    expect(codes({ isOnline: false })).toEqual(everybodyWaits("offline"));
    expect(codes({ isOnline: false }, { folder: "/media/stick" })).toEqual({
      ...everybodyWaits("offline"),
      byHand: null,
    });
  });

  it("the region's window is for what has time", () => {
    expect(codes({}, { window: { from: 60, to: 180 } })).toEqual({ ...nobodyWaits, routine: "outside-window" });
    expect(codes({}, { window: { from: 180, to: 181 } })).toEqual(nobodyWaits);
  });

  it("a home's quiet hours are kept unless it is critical", () => {
    const quiet = { ...nobodyWaits, routine: "quiet-hours", soon: "quiet-hours" };
    expect(codes({ quietHours: { from: 22 * 60, to: 7 * 60 } })).toEqual(quiet);
    expect(codes({ quietHours: { from: 22 * 60, to: 180 } })).toEqual(nobodyWaits);
  });

  it("says so where a window leaves no time at all", () => {
    const why = careComesFirst(wanted("routine", { window: { from: 120, to: 240 } }), false, {
      ...calm,
      quietHours: { from: 1320, to: 420 },
    });
    expect(why).toMatchObject({ code: "outside-window", sentence: expect.stringContaining("another window") });
  });

  it("what depends on the time waits until it is known, and the rest does not", () => {
    const unknown = { minuteOfDay: null };
    expect(codes(unknown)).toEqual(nobodyWaits);
    expect(codes(unknown, { window: { from: 60, to: 180 } })).toEqual({ ...nobodyWaits, routine: "time-unknown" });
    const quietHours = { from: 60, to: 180 };
    const both = { ...nobodyWaits, routine: "time-unknown", soon: "time-unknown" };
    expect(codes({ ...unknown, quietHours })).toEqual(both);
  });

  it("a backlog that is old, or of which nobody knows the age, goes to the region first", () => {
    const held = { ...nobodyWaits, routine: "backlog", soon: "backlog" };
    const backlog = (oldestAgeMs: number | null, isDraining = false) => ({
      backlog: { waiting: 5, oldestAgeMs: oldestAgeMs === null ? null : millis(oldestAgeMs), isDraining },
    });
    expect(codes(backlog(BACKLOG_AGE))).toEqual(nobodyWaits);
    expect(codes(backlog(BACKLOG_AGE + 1))).toEqual(held);
    expect(codes(backlog(BACKLOG_AGE + 1, true))).toEqual(held);
    expect(codes(backlog(null))).toEqual(held);
  });
});

const minute = fc.integer({ min: 0, max: 1439 });

describe("a window of the day", () => {
  it("and the one from its end to its beginning make up the whole day, without a minute in both", () => {
    fc.assert(
      fc.property(minute, minute, minute, (from, to, at) => {
        fc.pre(from !== to);
        return isWithin({ from, to }, at) !== isWithin({ from: to, to: from }, at);
      }),
    );
  });

  it("holds as many minutes as pass from its beginning to its end", () => {
    const lengthOf = (window: DayWindow): number =>
      Array.from({ length: 1440 }, (_, at) => at).filter((at) => isWithin(window, at)).length;
    fc.assert(
      fc.property(minute, minute, (from, to) => {
        expect(lengthOf({ from, to })).toBe((to - from + 1440) % 1440);
      }),
    );
    expect(lengthOf({ from: 0, to: 1440 })).toBe(1440);
  });

  it("begins at its first minute and ends before its last", () => {
    fc.assert(
      fc.property(minute, minute, (from, to) => {
        fc.pre(from !== to);
        return isWithin({ from, to }, from) && !isWithin({ from, to }, to);
      }),
    );
  });

  it("of a home is in the time of its zone", () => {
    const noon = epochMs(Date.UTC(2026, 5, 15, 12, 0, 30));
    expect(minuteOfDay(noon, minutes(120))).toBe(14 * 60);
    expect(minuteOfDay(noon, -minutes(13 * 60))).toBe(23 * 60);
    expect(minuteOfDay(epochMs(-1), 0)).toBe(1439);
  });
});

it("more urgent never waits where less urgent goes, and a person never where nobody is", () => {
  const window = fc.option(fc.record({ from: minute, to: minute }));
  const circumstances = fc.record<CareCircumstances>({
    measuring: fc.option(fc.constant("sensor cuff is measuring")),
    isOnline: fc.boolean(),
    minuteOfDay: fc.option(minute),
    quietHours: window,
    backlog: fc.record({
      waiting: fc.nat(3),
      oldestAgeMs: fc.option(fc.nat(2 * BACKLOG_AGE).map(millis)),
      isDraining: fc.boolean(),
    }),
  });
  const folder = fc.option(fc.constant("/media/stick"));
  fc.assert(
    fc.property(circumstances, window, folder, (around, theWindow, theFolder) => {
      const waits = (urgency: Urgency, isByHand: boolean): boolean =>
        careComesFirst(wanted(urgency, { window: theWindow, folder: theFolder }), isByHand, around) !== null;
      const order = [waits("routine", false), waits("soon", false), waits("critical", false), waits("routine", true)];
      expect(order).toEqual(order.toSorted((a, b) => Number(b) - Number(a)));
      if (around.measuring !== null) expect(order).toEqual([true, true, true, true]);
    }),
  );
});
