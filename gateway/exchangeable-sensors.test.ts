import { describe, expect, it } from "vitest";
import { createSimulatedClock, turn } from "../hardware-sim/clock/simulated-clock.ts";
import { minutes, seconds } from "../protocol/time.ts";
import type { Enrolments } from "./config/enrol.ts";
import { createExchangeableSensors } from "./exchangeable-sensors.ts";
import type { SensorParts } from "./sensors.ts";

const enrolmentsOf = (...names: readonly string[]): Enrolments =>
  ({
    enrolled: names.map((name) => ({ config: { id: name }, entry: { id: name } })),
    setAside: [],
    models: [],
  }) as never;

/** Parts that say when they run, and whose sensors are those that they were made for. */
const openBench = async () => {
  const clock = createSimulatedClock();
  const story: string[] = [];
  const state = { isMeasuring: false, breaks: null as Error | null };
  const create = async ({ enrolled }: Enrolments): Promise<SensorParts> => {
    const name = enrolled.map(({ entry }) => entry.id).join("+") || "none";
    return {
      run: async (signal: AbortSignal) => {
        story.push(`reads ${name}`);
        if (enrolled.length === 0) return;
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        story.push(`stopped ${name}`);
        if (state.breaks !== null) throw state.breaks;
      },
      sensors: () => enrolled.map(({ entry }) => ({ id: entry.id })),
      guard: { admits: () => enrolled.length > 0 },
      desk: { methodOf: () => name },
    } as never;
  };
  const isMeasuring = () => state.isMeasuring;
  const sensors = await createExchangeableSensors({ create, enrolments: enrolmentsOf("cuff"), isMeasuring, clock });
  const stop = new AbortController();
  const running = sensors.run(stop.signal);
  running.catch(() => undefined);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { clock, story, state, sensors, stop, running, end };
};

describe("what reads the sensors of a home", () => {
  it("is exchanged as a whole, the former one stopped before the next begins", async () => {
    const { story, sensors, stop, end } = await openBench();
    await sensors.exchange(enrolmentsOf("scale"), stop.signal);
    await turn();
    expect(story).toEqual(["reads cuff", "stopped cuff", "reads scale"]);
    expect(sensors.sensors()).toEqual([{ id: "scale" }]);
    expect(sensors.desk.methodOf("scale")).toBe("scale");
    await end();
    expect(story.at(-1)).toBe("stopped scale");
  });

  it("is left alone where the other catalogue says the same of this home", async () => {
    const { story, sensors, stop, end } = await openBench();
    await sensors.exchange(enrolmentsOf("cuff"), stop.signal);
    const elsewhere = { id: "a model that nobody has here" } as never;
    await sensors.exchange({ ...enrolmentsOf("cuff"), models: [elsewhere] }, stop.signal);
    await turn();
    expect(story).toEqual(["reads cuff"]);
    await end();
  });

  it("is not stopped while somebody is being measured", async () => {
    const { clock, story, state, sensors, stop, end } = await openBench();
    state.isMeasuring = true;
    const exchanged = sensors.exchange(enrolmentsOf("scale"), stop.signal);
    await clock.advance(minutes(60));
    expect(story).toEqual(["reads cuff"]);
    state.isMeasuring = false;
    await clock.advance(seconds(5));
    await exchanged;
    expect(story.slice(1)).toEqual(["stopped cuff", "reads scale"]);
    await end();
  });

  it("does not read a recalled model for more than a day because a stream never pauses", async () => {
    const { clock, story, state, sensors, stop, end } = await openBench();
    state.isMeasuring = true;
    const exchanged = sensors.exchange(enrolmentsOf(), stop.signal);
    await clock.advance(minutes(24 * 60));
    await exchanged;
    expect(story.slice(1)).toEqual(["stopped cuff", "reads none"]);
    await end();
  });

  it("can be exchanged again where nothing was read", async () => {
    const { story, sensors, stop, end } = await openBench();
    await sensors.exchange(enrolmentsOf(), stop.signal);
    await turn();
    await sensors.exchange(enrolmentsOf("scale"), stop.signal);
    await turn();
    expect(story.slice(1)).toEqual(["stopped cuff", "reads none", "reads scale"]);
    await end();
  });

  it("stops with the hub, also while an exchange waits", async () => {
    const { clock, story, state, sensors, stop, end } = await openBench();
    state.isMeasuring = true;
    const exchanged = sensors.exchange(enrolmentsOf("scale"), stop.signal);
    exchanged.catch(() => undefined);
    await clock.advance(seconds(5));
    await end();
    await expect(exchanged).rejects.toMatchObject({ name: "AbortError" });
    expect(story).toEqual(["reads cuff", "stopped cuff"]);
    await expect(sensors.exchange(enrolmentsOf("scale"), stop.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("rejects where an invariant of it is broken", async () => {
    const { state, sensors, stop, running } = await openBench();
    state.breaks = new Error("broken");
    const exchanged = sensors.exchange(enrolmentsOf("scale"), stop.signal);
    exchanged.catch(() => undefined);
    await expect(running).rejects.toThrow("broken");
    stop.abort();
  });
});
