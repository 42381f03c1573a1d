import { describe, expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { createChance } from "../radio/seeded.ts";
import { live } from "./habits.ts";
import { createPatient } from "./patient.ts";
import { SCENARIOS, type Scenario, scenarioNamed } from "./scenario.ts";

/** What a scenario does within `ms`, as lines of time and act. */
const livedFor = async (scenario: Scenario, ms: number, seed = 1): Promise<string[]> => {
  const clock = createSimulatedClock();
  const acts: string[] = [];
  const stop = new AbortController();
  const note = (act: string): void => {
    acts.push(`${clock.elapsed()} ${act}`);
  };
  const hands = {
    use: note,
    takeOff: (sensor: string) => note(`${sensor} off`),
    setPlugged: async (sensor: string, plugged: boolean) => note(`${sensor} ${plugged ? "in" : "out"}`),
  };
  const living = live(scenario, hands, clock, createChance(seed), stop.signal);
  await clock.advance(millis(ms));
  stop.abort();
  await living;
  return acts;
};

const base: Scenario = { name: "test", summary: "", habits: [], trouble: {}, cables: [], radioLoss: 0 };

describe("living a scenario", () => {
  it("uses a sensor after its first wait and then again and again", async () => {
    const scenario: Scenario = { ...base, habits: [{ sensor: "scale", first: [100, 100], every: [50, 50] }] };
    expect(await livedFor(scenario, 250)).toEqual(["100 scale", "150 scale", "200 scale", "250 scale"]);
  });

  it("puts a worn sensor on and takes it off", async () => {
    const habits = [{ sensor: "oximeter", first: [10, 10], wears: [30, 30], every: [5, 5] }] as const;
    expect(await livedFor({ ...base, habits }, 60)).toEqual(["10 oximeter", "40 oximeter off", "45 oximeter"]);
  });

  it("pulls cables and puts them back", async () => {
    const cables = [{ sensor: "scale", every: [20, 20], for: [5, 5] }] as const;
    expect(await livedFor({ ...base, cables }, 50)).toEqual([
      "20 scale out",
      "25 scale in",
      "45 scale out",
      "50 scale in",
    ]);
  });

  it("is the same for the same seed, and another for another", async () => {
    const day = scenarioNamed("day");
    expect(await livedFor(day, 30_000, 7)).toEqual(await livedFor(day, 30_000, 7));
    expect(await livedFor(day, 30_000, 7)).not.toEqual(await livedFor(day, 30_000, 8));
  });

  it("shows every sensor several times within half a minute of the day", async () => {
    const acts = await livedFor(scenarioNamed("day"), 30_000);
    const counts = Map.groupBy(acts, (act) => act.split(" ")[1] ?? "");
    expect(counts.size).toBe(9);
    for (const [sensor, uses] of counts) expect(uses.length, sensor).toBeGreaterThanOrEqual(2);
  });

  it("is busy with about five measurements a second", async () => {
    const acts = await livedFor(scenarioNamed("busy"), 60_000);
    expect(acts.length / 60).toBeGreaterThan(4);
    expect(acts.length / 60).toBeLessThan(6.5);
  });

  it("fails when a hand fails, instead of going on without it", async () => {
    const clock = createSimulatedClock();
    const stop = new AbortController();
    const hands = {
      use: () => {
        throw new RangeError("no such sensor");
      },
      takeOff: () => undefined,
      setPlugged: async () => undefined,
    };
    const scenario: Scenario = { ...base, habits: [{ sensor: "x", first: [1, 1], every: [1, 1] }] };
    const failed = expect(live(scenario, hands, clock, createChance(1), stop.signal)).rejects.toThrow("no such sensor");
    await clock.advance(millis(10));
    await failed;
  });
});

describe("scenarios", () => {
  it("speak only of sensors that a home has", async () => {
    const sensors = new Set(scenarioNamed("day").habits.map((one) => one.sensor));
    for (const { habits, trouble, cables } of SCENARIOS) {
      for (const name of [...habits, ...cables].map((one) => one.sensor).concat(Object.keys(trouble))) {
        expect(sensors).toContain(name);
      }
    }
  });
});

describe("patient", () => {
  it("is the same for the same seed, whatever is measured in between", () => {
    const [one, two] = [createPatient(createChance(5)), createPatient(createChance(5))];
    one.bloodPressure();
    expect(one.weightHundredths()).toBe(two.weightHundredths());
    const { systolic, diastolic, mean } = two.bloodPressure();
    expect(mean).toBeGreaterThan(diastolic);
    expect(mean).toBeLessThan(systolic);
  });
});
