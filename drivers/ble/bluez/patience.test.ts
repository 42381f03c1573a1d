import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../../protocol/errors.ts";
import { seconds } from "../../../protocol/time.ts";
import { withPatience } from "./patience.ts";

const late = (): HubError => new HubError("ble-timeout", "late");
const never = new AbortController().signal;
const outcome = (work: Promise<unknown>): Promise<unknown> => work.catch((thrown: unknown) => thrown);

describe("patience", () => {
  it("lasts as long as there is progress", async () => {
    const clock = createSimulatedClock();
    let progress: () => void = () => undefined;
    let told: AbortSignal = never;
    const work = outcome(
      withPatience(seconds(30), late, clock, never, (signal, gotOn) => {
        [told, progress] = [signal, gotOn];
        return new Promise(() => undefined);
      }),
    );
    for (let i = 0; i < 5; i++) {
      await clock.advance(seconds(29));
      progress();
    }
    expect(told.aborted).toBe(false);
    await clock.advance(seconds(30));
    expect(await work).toMatchObject({ code: "ble-timeout" });
    expect(told.aborted).toBe(true);
    progress();
    expect(clock.sleeping).toBe(0);
  });

  it("leaves nothing behind when the work is done or fails", async () => {
    const clock = createSimulatedClock();
    expect(await withPatience(seconds(30), late, clock, never, async () => 42)).toBe(42);
    const failed = withPatience(seconds(30), late, clock, never, async () => {
      throw new Error("failed");
    });
    expect(await outcome(failed)).toMatchObject({ message: "failed" });
    expect(clock.sleeping).toBe(0);
  });

  it("ends with the signal's reason", async () => {
    const clock = createSimulatedClock();
    const stop = new AbortController();
    const work = outcome(withPatience(seconds(30), late, clock, stop.signal, () => new Promise(() => undefined)));
    stop.abort(new Error("stop"));
    expect(await work).toBe(stop.signal.reason);
    expect(await outcome(withPatience(seconds(30), late, clock, stop.signal, async () => 1))).toBe(stop.signal.reason);
    expect(clock.sleeping).toBe(0);
  });
});
