import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { keepRunning } from "./keep-running.ts";

const setUp = () => {
  const clock = createSimulatedClock();
  const lines: string[] = [];
  const write = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
  return { clock, lines, options: { part: "radio", clock, logger }, stop: new AbortController() };
};

describe("keepRunning", () => {
  it("starts a part again after growing waits and says the same trouble once", async () => {
    const { clock, lines, options, stop } = setUp();
    let runs = 0;
    const troubles: (string | null)[] = [];
    const onTrouble = (sentence: string | null): void => void troubles.push(sentence);
    const kept = keepRunning(
      { ...options, onTrouble },
      async () => {
        runs += 1;
        throw new HubError("adapter-absent", "adapter hci0: not there; plug it in");
      },
      stop.signal,
    );
    await clock.advance(seconds(7));
    expect(runs).toBe(3);
    await clock.advance(minutes(10));
    expect(runs).toBeLessThan(18);
    expect(lines).toHaveLength(1);
    expect(troubles.slice(0, 3)).toEqual([null, "adapter hci0: not there; plug it in", null]);
    stop.abort();
    await kept;
  });

  it("passes a broken invariant on", async () => {
    const { options, stop } = setUp();
    const broken = keepRunning(options, () => Promise.reject(new TypeError("x is undefined")), stop.signal);
    await expect(broken).rejects.toThrow(TypeError);
  });

  it("resolves when the part ends because the hub stops, however it ends", async () => {
    const { options, stop } = setUp();
    const run = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    const kept = keepRunning(options, run, stop.signal);
    stop.abort();
    await kept;
  });
});
