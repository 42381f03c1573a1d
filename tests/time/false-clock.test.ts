import { expect, it } from "vitest";
import { HUB_ID } from "../../hardware-sim/home/home.ts";
import type { Reading } from "../../protocol/reading.ts";
import { openRealHome, type RealHome } from "../home/real-home.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { createFalseClock } from "./faked-time.ts";

const HOUR = 3_600_000;
/** The hub looks at its clock every 30 s, and waits 60 s for the error of one that is set and not synchronised. */
const PATIENCE = 150_000;

const accepted = ({ home }: RealHome): readonly Reading[] =>
  home.region.receiver.accepted().map(({ reading }) => reading);

const { available, reason } = requirement("faketime");
const named = (name: string): string => (reason === null ? name : `${name} (${reason})`);

it.skipIf(!available)(
  named("gives readings of 1970 and of 2099 their times when the clock is set, and lives through a jump of hours"),
  { timeout: 400_000 },
  async () => {
    await using clock = await createFalseClock("@1970-01-01 00:05:00");
    await using real = await openRealHome({ seed: 11, hub: clock.hub });
    const weighed: number[] = [];
    const weigh = async (): Promise<void> => {
      const before = real.count("stored");
      real.home.use("scale");
      await until(() => real.count("stored") > before, "the weight is stored", 60_000);
      weighed.push(Date.now());
    };
    await weigh();
    await clock.set("@2099-06-15 12:00:00");
    await weigh();
    expect(accepted(real)).toEqual([]);

    await clock.set("+0");
    await until(() => accepted(real).length >= 2, "both arrive when the clock is set", PATIENCE);
    await clock.set("+3h");
    const events = () => real.home.region.receiver.hub(HUB_ID)?.events ?? [];
    await until(() => events().find(({ code }) => code === "clock-fault"), "the jump is reported", PATIENCE);
    await weigh();
    await until(() => accepted(real).length >= 3, "the third arrives", PATIENCE);

    const readings = accepted(real).toSorted((a, b) => a.seq - b.seq);
    const expected = weighed.map((at, index) => (index === 2 ? at + 3 * HOUR : at));
    for (const [index, { time }] of readings.entries()) {
      expect(time).toMatchObject({
        basis: "reception",
        hubClock: { state: expect.stringMatching(/ntp|rtc|holdover/) },
      });
      expect(Math.abs(Date.parse(time.start ?? "") - (expected[index] ?? 0))).toBeLessThan(10_000);
    }
    // Both times are kept: where the wall clock jumped, the monotonic one says how far apart they truly were.
    const [, second, third] = readings.map(({ time }) => time.received.monoMs);
    const apart = (weighed[2] ?? 0) - (weighed[1] ?? 0);
    expect(Math.abs((third ?? 0) - (second ?? 0) - apart)).toBeLessThan(10_000);
    expect(await real.home.drain(60_000 as never, new AbortController().signal)).toBe(true);
  },
);
