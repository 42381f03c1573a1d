import { describe, expect, it } from "vitest";
import { seconds } from "../../protocol/time.ts";
import { ALL, blood, DONE, meterBench } from "./glucose-bench.ts";

describe("faults of a meter", () => {
  it("loses the link after two records, and tells all of them the next time", async () => {
    const { sensor, ready, ask, central, brief } = meterBench({ faults: { dropAfterRecords: 2 } });
    for (const value of [101, 102, 103]) sensor.measure(blood(value));
    await ready();
    expect(brief(await ask(ALL))).toEqual([1, 2]);
    expect(central.ends).toEqual([0x13]);
    expect(sensor.waiting).toBe(3);
    sensor.setFaults({ dropAfterRecords: null });
    await ready();
    expect(brief(await ask(ALL))).toEqual([1, 2, 3, DONE]);
    expect(sensor.truth.map(({ sent }) => sent)).toEqual([2, 2, 1]);
  });

  it("tells records twice", async () => {
    const { sensor, ready, ask, brief } = meterBench({ faults: { duplicateRecord: 1 } });
    for (const value of [101, 102]) sensor.measure(blood(value));
    await ready();
    expect(brief(await ask(ALL))).toEqual([1, 1, 2, 2, DONE]);
  });

  it("tells records in an order of chance, each once, the same for the same seed", async () => {
    const run = async (): Promise<readonly (number | string)[]> => {
      const { sensor, ready, ask, brief } = meterBench({ faults: { outOfOrder: true } });
      for (let i = 0; i < 8; i++) sensor.measure(blood(100 + i));
      await ready();
      return brief(await ask(ALL));
    };
    const first = await run();
    expect(first.at(-1)).toBe(DONE);
    const numbers = first.slice(0, -1).map(Number);
    expect(numbers).not.toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await run()).toEqual(first);
  });

  it("refuses the first two requests with 0x80", async () => {
    const { sensor, ready, write, refusal, brief, ask } = meterBench({ faults: { refuseAccess: 2 } });
    sensor.measure(blood(101));
    await ready();
    expect(await write("2a52", ALL)).toBe(refusal("2a52", "80"));
    expect(await write("2a52", ALL)).toBe(refusal("2a52", "80"));
    expect(brief(await ask(ALL))).toEqual([1, DONE]);
  });

  it("answers before the last record", async () => {
    const { sensor, ready, ask, brief } = meterBench({ faults: { answersEarly: true } });
    for (const value of [101, 102]) sensor.measure(blood(value));
    await ready();
    expect(brief(await ask(ALL))).toEqual([1, DONE, 2]);
  });

  it("keeps its answer to itself, and takes the next request", async () => {
    const { sensor, ready, ask, brief } = meterBench({ faults: { withholdsAnswer: true } });
    sensor.measure(blood(101));
    await ready();
    expect(brief(await ask(ALL))).toEqual([1]);
    expect(sensor.waiting).toBe(1);
    expect(brief(await ask(ALL))).toEqual([1]);
  });

  it("takes a request and does nothing", async () => {
    const { sensor, ready, ask } = meterBench({ faults: { ignoresRequests: true } });
    sensor.measure(blood(101));
    await ready();
    expect(await ask(ALL)).toEqual([]);
  });

  it("indicates an answer of an earlier link right after the connection", async () => {
    const { sensor, central, heard } = meterBench({ faults: { earlyIndication: true } });
    sensor.measure(blood(101));
    await central.connect();
    expect(heard()).toEqual([DONE]);
  });

  it("begins its numbers again, and has forgotten what it had", async () => {
    const { sensor, ready, ask, brief } = meterBench();
    for (const value of [101, 102, 103]) sensor.measure(blood(value));
    sensor.resetSequence();
    sensor.measure(blood(104));
    await ready();
    expect(brief(await ask("0103010400"))).toEqual(["2a52 06000106"]);
    expect(brief(await ask(ALL))).toEqual([1, DONE]);
    expect(sensor.truth.map(({ overwritten }) => overwritten)).toEqual([true, true, true, false]);
  });

  it("hangs up when its answer is not confirmed within 30 s", async () => {
    const { sensor, ready, write, pass, central } = meterBench();
    sensor.measure(blood(101));
    await ready();
    central.confirms = false;
    await write("2a52", ALL);
    await pass(seconds(31));
    expect(central.ends).toEqual([0x13]);
    expect(sensor.waiting).toBe(1);
  });
});
