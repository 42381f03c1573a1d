import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { seconds } from "../../protocol/time.ts";
import { until } from "../../tests/support/until.ts";
import { begun, type Part, runParts } from "./run-parts.ts";

const setUp = () => {
  const clock = createSimulatedClock();
  const lines: string[] = [];
  const write = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
  const steps: string[] = [];
  const rest = (takes: number): Promise<void> => clock.sleep(seconds(takes), new AbortController().signal);
  const running = (part: string, takes: number, by: number): Part => ({
    part,
    by: seconds(by),
    run: async (stop) => {
      steps.push(`${part} runs`);
      await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
      await rest(takes);
      steps.push(`${part} stopped`);
    },
  });
  const passive = (part: string, takes: number, by: number): Part => ({
    part,
    by: seconds(by),
    end: async (late) => {
      late.addEventListener("abort", () => steps.push(`${part} gives up`), { once: true });
      await rest(takes);
      steps.push(`${part} ended`);
    },
  });
  const stop = new AbortController();
  const run = (parts: readonly Part[], askable: Promise<void> = Promise.resolve()): Promise<boolean> =>
    runParts({ parts, askable, clock, logger }, stop.signal);
  return { clock, lines, steps, running, passive, stop, run };
};

describe("runParts", () => {
  it("runs all parts, says when the hub is ready, and stops one after the other", async () => {
    const { clock, lines, steps, running, passive, stop, run } = setUp();
    const askable = Promise.withResolvers<void>();
    const hub = run([running("sensors", 1, 2), passive("ingest", 1, 4), running("link", 1, 9)], askable.promise);
    expect(steps).toEqual(["sensors runs", "link runs"]);
    expect(lines).toEqual([]);
    askable.resolve();
    await until(() => lines[0] === "hub ready {}", "the hub is ready");
    stop.abort();
    await clock.advance(seconds(4));
    expect(await hub).toBe(true);
    expect(steps.slice(2)).toEqual(["sensors stopped", "ingest ended", "link stopped"]);
    expect(clock.sleeping).toBe(0);
  });

  it("stops a part that began before the others with them, in its turn", async () => {
    const { clock, steps, running, stop, run } = setUp();
    const link = running("link", 1, 9);
    if (!("run" in link)) throw new Error("a part that runs");
    const early = begun(link.run);
    expect(steps).toEqual(["link runs"]);
    const hub = run([running("sensors", 1, 2), { part: "link", by: seconds(9), run: early }]);
    stop.abort();
    await clock.advance(seconds(3));
    expect(await hub).toBe(true);
    expect(steps.slice(1)).toEqual(["sensors runs", "sensors stopped", "link stopped"]);
  });

  it("leaves a part behind that does not stop in time, says which, and still stops the others", async () => {
    const { clock, lines, steps, running, passive, stop, run } = setUp();
    const hub = run([running("sensors", 60, 2), passive("ingest", 60, 3), passive("outbox", 1, 10)]);
    stop.abort();
    await clock.advance(seconds(5));
    expect(await hub).toBe(false);
    expect(steps).toEqual(["sensors runs", "ingest gives up", "outbox ended"]);
    expect(lines.slice(1)).toEqual([
      'part does not stop in time, the hub ends without it {"part":"sensors"}',
      'part does not stop in time, the hub ends without it {"part":"ingest"}',
    ]);
  });

  it("lets what one part leaves over to the next", async () => {
    const { clock, passive, stop, run } = setUp();
    const hub = run([passive("a", 3, 3.5), passive("b", 3, 9), passive("c", 3, 10)]);
    stop.abort();
    await clock.advance(seconds(10));
    expect(await hub).toBe(true);
  });

  it.each<[string, Part]>([
    ["while it runs", { part: "x", by: seconds(1), run: () => Promise.reject(new TypeError("x is undefined")) }],
    ["when it stops", { part: "x", by: seconds(1), end: () => Promise.reject(new TypeError("x is undefined")) }],
  ])("passes on an invariant that a part breaks %s", async (_, part) => {
    const { running, stop, run } = setUp();
    const hub = run([part, running("sensors", 1, 2)]);
    stop.abort();
    await expect(hub).rejects.toThrow(TypeError);
  });
});
