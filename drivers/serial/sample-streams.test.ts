import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { createContecOximeter } from "../../hardware-sim/serial/contec-oximeter.ts";
import { liveSample, recordedSample } from "../../hardware-sim/serial/contec-samples.ts";
import { noninSecond } from "../../hardware-sim/serial/nonin-df8.ts";
import { createNoninSecondStream } from "../../hardware-sim/serial/nonin-second-stream.ts";
import type { SampleStream } from "../../hardware-sim/serial/sample-stream.ts";
import type { SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { createRecordingSink } from "../../tests/serial/recording-sink.ts";
import { sessionContext } from "../../tests/serial/session-context.ts";
import type { SensorDriver } from "../driver.ts";
import { createContecStreamDriver } from "./contec-stream.ts";
import { createNoninSecondStreamDriver } from "./nonin-second-stream.ts";

const start = (driver: SensorDriver<unknown>) => {
  const clock = createSimulatedClock();
  const transport = createMemoryTransport(clock);
  const sink = createRecordingSink();
  const ended = driver.session(transport, sink, sessionContext(clock), new AbortController().signal);
  const line = {
    send: async (bytes: Uint8Array) => {
      transport.send(bytes);
      return { heard: true, disturbed: false, early: false };
    },
  } as unknown as SerialLine;
  const unplugged = async (): Promise<void> => {
    transport.unplug();
    await clock.advance(seconds(1));
    await ended;
  };
  const valuesTaken = (): readonly (readonly (number | null)[])[] =>
    sink.taken.map(({ values }) => values.map(({ value }) => value));
  return { clock, transport, sink, line, unplugged, valuesTaken };
};

/** A clip of so many seconds, and the time until the oximeter is off again. */
const wear = async (bench: ReturnType<typeof start>, oximeter: SampleStream, span: number): Promise<void> => {
  oximeter.clipOn({ spo2: 97, pulse: 72 });
  await bench.clock.advance(seconds(span));
  oximeter.takeOff();
  await bench.clock.advance(seconds(20));
};

describe("Nonin data format 8", () => {
  it("is a reading as soon as three seconds agree, and then one every ten", async () => {
    const bench = start(createNoninSecondStreamDriver());
    await using oximeter = createNoninSecondStream(() => bench.line, bench.clock);
    await wear(bench, oximeter, 30.5);
    await bench.unplugged();
    // Three seconds of acquiring, then seconds 4 to 31: the sixth, the sixteenth and the twenty-sixth.
    expect(bench.valuesTaken()).toEqual([
      [97, 72],
      [97, 72],
      [97, 72],
    ]);
    expect(bench.sink.taken[0]).toMatchObject({
      kind: "pulse-oximetry",
      values: [
        { mdc: 150456, unit: "%" },
        { mdc: 149530, unit: "/min" },
      ],
      supplemental: [],
      time: { basis: "reception" },
      provenance: { driver: "nonin-8@1.0.0", source: "nonin-8", rawHex: "80486120" },
    });
  });

  it("takes nothing of the ten seconds that it repeats after the finger is out", async () => {
    const bench = start(createNoninSecondStreamDriver());
    await using oximeter = createNoninSecondStream(() => bench.line, bench.clock);
    await wear(bench, oximeter, 7);
    await wear(bench, oximeter, 7);
    await bench.unplugged();
    expect(bench.valuesTaken()).toHaveLength(2);
  });

  it("never makes a number of what is missing", async () => {
    const bench = start(createNoninSecondStreamDriver());
    for (let second = 0; second < 60; second++) bench.transport.send(noninSecond({ pulse: 511, spo2: 127 }));
    for (let second = 0; second < 60; second++) {
      bench.transport.send(noninSecond({ pulse: 72, spo2: 97, outOfTrack: true }));
    }
    await bench.unplugged();
    expect(bench.sink.taken).toEqual([]);
    expect(bench.sink.reports).toEqual([]);
  });

  it("says what the sensor says about the measurement", async () => {
    const bench = start(createNoninSecondStreamDriver());
    for (let second = 0; second < 3; second++) {
      bench.transport.send(noninSecond({ pulse: 72, spo2: 97, artifact: true, perfusion: "low", lowBattery: true }));
    }
    await bench.unplugged();
    expect(bench.sink.taken).toMatchObject([
      { flags: ["low-battery", "low-perfusion"], quality: ["questionable"], status: "final" },
    ]);
  });

  it("reports one fault on a line at the wrong speed", async () => {
    const bench = start(createNoninSecondStreamDriver());
    for (let second = 0; second < 200; second++) {
      bench.transport.send(fromHex("0000ffff"));
      await bench.clock.advance(seconds(1));
    }
    await bench.unplugged();
    expect(bench.sink.reports).toMatchObject([{ code: "serial-fault" }]);
    expect(bench.sink.taken).toEqual([]);
  });
});

describe("a Contec CMS50", () => {
  it("is a reading within a second and a half, and then one every ten", async () => {
    const bench = start(createContecStreamDriver());
    await using oximeter = createContecOximeter(() => bench.line, bench.clock, createChance(1));
    await wear(bench, oximeter, 25);
    await bench.unplugged();
    expect(bench.valuesTaken()).toEqual([
      [97, 72],
      [97, 72],
      [97, 72],
    ]);
    expect(bench.sink.taken[0]).toMatchObject({ provenance: { source: "contec-live", driver: "contec-cms50@1.0.0" } });
  });

  it("starts afresh with the next finger, and tells pulses above 127", async () => {
    const bench = start(createContecStreamDriver());
    await using oximeter = createContecOximeter(() => bench.line, bench.clock, createChance(1));
    await wear(bench, oximeter, 2);
    oximeter.clipOn({ spo2: 95, pulse: 141 });
    await bench.clock.advance(seconds(2));
    await bench.unplugged();
    expect(bench.valuesTaken()).toEqual([
      [97, 72],
      [95, 141],
    ]);
  });

  it.each([
    ["searching", { searching: true }],
    ["with a probe error", { probeError: true }],
    ["with no value", { spo2: 127, pulse: 255 }],
    ["off the finger", { fingerOut: true }],
  ])("gives no reading while it is %s", async (_name, given) => {
    const bench = start(createContecStreamDriver());
    for (let sample = 0; sample < 1200; sample++) bench.transport.send(liveSample({ spo2: 97, pulse: 72, ...given }));
    await bench.unplugged();
    expect(bench.sink.taken).toEqual([]);
    expect(bench.sink.reports).toEqual([]);
  });

  it("is not asked for a memory that has no times, and what it sends of one is no reading", async () => {
    const bench = start(createContecStreamDriver());
    for (let second = 0; second < 600; second++) bench.transport.send(recordedSample({ spo2: 97, pulse: 72 }));
    await bench.clock.advance(minutes(1));
    await bench.unplugged();
    expect(bench.transport.written).toEqual([]);
    expect(bench.sink.taken).toEqual([]);
  });
});
