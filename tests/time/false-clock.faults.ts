import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { askHub } from "../../gateway/cli/ask-hub.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { HUB_ID } from "../../hardware-sim/home/home.ts";
import { HUB_SOCKET } from "../../hardware-sim/home/hub-config-file.ts";
import { openRealHome } from "../home/real-home.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { createFalseClock } from "./faked-time.ts";

const HOUR = 3_600_000;
const PATIENCE = 150_000;
const faketime = requirement("faketime");

it.skipIf(!faketime.available)(
  titled(
    "F12, F13: a hub that boots in 2099, is set back by hours while it runs, and boots behind a time that has been",
    faketime,
  ),
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-false-"));
    const clock = createSystemClock();
    await using falseClock = await createFalseClock("@2099-06-15 12:00:00");
    await using real = await openRealHome({ seed: 13, hub: falseClock.hub, folder });
    const { receiver } = real.home.region;
    const state = async (): Promise<unknown> => {
      const question = { command: "time", args: [], json: true };
      const frames = await Array.fromAsync(askHub(join(folder, HUB_SOCKET), question, clock));
      const [data] = frames.flatMap((frame) => ("data" in frame ? [frame.data] : []));
      return (data as { readonly state?: unknown } | undefined)?.state;
    };
    const weigh = async (): Promise<number> => {
      const before = real.count("stored");
      real.home.use("scale");
      await until(() => real.count("stored") > before, "the weight is stored", 60_000);
      return Date.now();
    };

    expect(await state()).toBe("unset");
    const first = await weigh();
    expect(receiver.accepted()).toEqual([]);
    await falseClock.set("+0");
    await until(() => receiver.accepted().length === 1, "the weight arrives when the clock is set", PATIENCE);
    expect(Math.abs(Date.parse(receiver.accepted()[0]?.reading.time.start ?? "") - first)).toBeLessThan(10_000);

    await falseClock.set("-5h");
    const events = () => receiver.hub(HUB_ID)?.events ?? [];
    const fault = await until(() => events().find(({ code }) => code === "clock-fault"), "the jump is told", PATIENCE);
    expect(Number(fault.detail.byMs)).toBeLessThan(-4.9 * HOUR);
    const second = await weigh();
    await until(() => receiver.accepted().length === 2, "the second weight arrives", PATIENCE);
    const [one, other] = receiver.accepted().map(({ reading }) => reading.time);
    expect(Math.abs(Date.parse(other?.start ?? "") - (second - 5 * HOUR))).toBeLessThan(10_000);
    // The order of what happened is in the monotonic stamps, whatever the wall clock did.
    const apart = (other?.received.monoMs ?? 0) - (one?.received.monoMs ?? 0);
    expect(Math.abs(apart - (second - first))).toBeLessThan(10_000);

    const floor = { schema: "time-floor/1", utc: new Date().toISOString() };
    await writeFile(join(folder, "data", "time-floor.json"), JSON.stringify(floor));
    await real.home.hub.kill();
    await real.home.hub.whenReady(AbortSignal.timeout(60_000));
    expect(await state()).toBe("unset");
    await falseClock.set("+0");
    await until(async () => (await state()) !== "unset", "the clock is believed when it is past the floor", PATIENCE);
    await rm(folder, { recursive: true, force: true });
  },
);
