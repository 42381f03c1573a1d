import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { minutes } from "../../protocol/time.ts";
import type { OpenRaucBus, RaucBusListener, RaucCall } from "./rauc-bus.ts";
import { createRaucService, type InstallProgress } from "./rauc-service.ts";

const { signal } = new AbortController();
const SLOTS = [["rootfs.0", { class: "rootfs", state: "booted", bootname: "A" }]];
const RAUC = "de.pengutronix.rauc";
const refused = (text: string): Error =>
  Object.assign(new Error(text), { type: "org.gtk.GDBus.UnmappedGError.Quark._g_2dio_2derror_2dquark.Code30" });
const SLIP = "Failed to determine slot states: Error getting loop backing_file for /dev/loop1: Failed to open file";
const BUSY = "already processing a different method";

type Answer = (call: RaucCall, listener: RaucBusListener) => Promise<readonly unknown[]>;

/** RAUC played by a function; time passes at once, or where `isHung` not before the test lets it. */
const played = (answer: Answer, isHung = false) => {
  const clock = createSimulatedClock();
  const calls: string[] = [];
  let open = 0;
  const openBus: OpenRaucBus = (listener) => {
    open += 1;
    return {
      ready: Promise.resolve(),
      call: async (call) => {
        calls.push(call.member);
        return { body: call.member === "AddMatch" ? [] : await answer(call, listener) };
      },
      close: () => {
        open -= 1;
      },
    };
  };
  const sleep = async (delay: Parameters<typeof clock.sleep>[0], until: AbortSignal): Promise<void> => {
    if (isHung || delay > 1_000) return clock.sleep(delay, until);
    await clock.advance(delay);
  };
  const service = createRaucService(openBus, { now: clock.now, elapsed: clock.elapsed, sleep });
  return { service, clock, calls, open: () => open };
};

/** Answers in turn; the last one again and again. */
const inTurn = (...answers: readonly (readonly unknown[] | Error)[]): Answer => {
  let nth = 0;
  return async () => {
    const found = answers[Math.min(nth, answers.length - 1)] ?? [];
    nth += 1;
    if (found instanceof Error) throw found;
    return found;
  };
};

const completed = (listener: RaucBusListener, result: number): void =>
  listener.signal({ iface: `${RAUC}.Installer`, member: "Completed", body: [result] });

describe("RAUC's service", () => {
  it("is asked again while it is at work for somebody, and where a loop device went under its eyes", async () => {
    const { service, calls, open } = played(inTurn(refused(BUSY), refused(BUSY), refused(SLIP), [SLOTS]));
    expect((await service.slots(signal)).map(({ name }) => name)).toEqual(["rootfs.0"]);
    expect(calls).toHaveLength(4);
    expect(open()).toBe(0);
  });

  it("is not asked for ever", async () => {
    const slipping = played(inTurn(refused(SLIP)));
    await expect(slipping.service.mark("good", "rootfs.0", signal)).rejects.toThrow(/marking slot rootfs\.0 as good/);
    expect(slipping.calls).toHaveLength(6);
    const busy = played(inTurn(refused(BUSY)));
    await expect(busy.service.slots(signal)).rejects.toThrow(/already processing/);
    expect(busy.clock.elapsed()).toBeGreaterThanOrEqual(minutes(60));
  });

  it("that does not answer is given up after half a minute, and the connection is closed", async () => {
    const { service, clock, open } = played(() => new Promise(() => undefined), true);
    const asking = expect(service.slots(signal)).rejects.toMatchObject({ code: "update-unreachable" });
    await clock.advance(minutes(1));
    await asking;
    expect(open()).toBe(0);
  });

  it("installs again where only a loop device went, and tells how far it is", async () => {
    let installs = 0;
    const { service } = played(async ({ member }, listener) => {
      if (member === "Get") return [SLIP];
      if (member !== "InstallBundle") return [SLOTS];
      installs += 1;
      const changed = { Progress: [40, "Verifying signature", 2] };
      listener.signal({
        iface: "org.freedesktop.DBus.Properties",
        member: "PropertiesChanged",
        body: [`${RAUC}.Installer`, changed],
      });
      queueMicrotask(() => queueMicrotask(() => completed(listener, installs === 1 ? 1 : 0)));
      return [];
    });
    const progress: InstallProgress[] = [];
    await service.install("/bundle", (at) => progress.push(at), signal);
    expect(installs).toBe(2);
    expect(progress[0]).toEqual({ percent: 40, step: "Verifying signature" });
  });

  it.each<[string, (listener: RaucBusListener) => void]>([
    [
      "RAUC ends",
      (listener) =>
        listener.signal({ iface: "org.freedesktop.DBus", member: "NameOwnerChanged", body: [RAUC, ":1.5", ""] }),
    ],
    ["the bus hangs up", (listener) => listener.lost(new Error("the bus hung up"))],
  ])("is not waited for where %s in the middle of an installation", async (_, end) => {
    const { service, open } = played(async ({ member }, listener) => {
      if (member === "InstallBundle") queueMicrotask(() => end(listener));
      return [SLOTS];
    });
    const installing = service.install("/bundle", () => undefined, signal);
    await expect(installing).rejects.toMatchObject({ code: "update-unreachable" });
    expect(open()).toBe(0);
  });

  it("may have a boot loader that does not tell what is started next", async () => {
    const { service } = played(
      inTurn(refused("Failed getting primary slot: Obtaining primary entry from bootloader 'noop' not supported")),
    );
    expect(await service.primary(signal)).toBeNull();
  });
});
