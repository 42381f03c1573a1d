import { describe, expect, it } from "vitest";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { disturb, type Flippable, type LineFaults } from "../../hardware-sim/serial/disturb.ts";
import type { SerialMeter } from "../../hardware-sim/serial/serial-meter.ts";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import type { MeterBench } from "./meter-bench.ts";

export interface MeterStart {
  /** How many records the meter holds. */
  readonly memory?: number;
  /** Another one than that of the default meter. */
  readonly isOtherMeter?: boolean;
  readonly remembers?: SensorMemory;
}

/** A driver with its simulated meter, as the scenarios below need them. */
export interface MeterUnderTest<M extends SerialMeter> {
  readonly name: string;
  start(options?: MeterStart): MeterBench<M>;
  /** The meter takes a test whose first value is `value`, 100 to 199. */
  measure(meter: M, value: number): void;
  /** Null where the hub cannot ask or set it. */
  readonly clock: { readonly canSet: boolean; readonly shows: "seconds" | "minutes" } | null;
  readonly hasSerial: boolean;
  /** What a bad line may flip: everything where a checksum shows it. */
  readonly flippable: Flippable;
  /** Bytes in hexadecimal that no hub may send, as a pattern. */
  readonly forbidden: RegExp;
}

export const firstValueOf = ({ values: [value] }: DraftReading): number =>
  value === undefined || value.value === null ? Number.NaN : value.value;

const range = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, at) => from + at);

/** Scenarios that every meter which is asked for its memory has to pass. */
export const meterContract = <M extends SerialMeter>(subject: MeterUnderTest<M>): void => {
  const benches: MeterBench<M>[] = [];
  const start = (options: MeterStart = {}): MeterBench<M> => {
    const bench = subject.start(options);
    benches.push(bench);
    return bench;
  };

  const measureAll = async (bench: MeterBench<M>, values: readonly number[]): Promise<void> => {
    for (const value of values) {
      subject.measure(bench.meter, value);
      await bench.clock.advance(minutes(1));
    }
  };
  const valuesOf = (readings: readonly DraftReading[]): readonly number[] => readings.map(firstValueOf).toSorted();

  const expectRead = (bench: MeterBench<M>, values: readonly number[]): void => {
    expect(valuesOf(bench.stored())).toEqual(values);
    expect(bench.meter.violations).toEqual([]);
    for (const bytes of bench.written) expect(Buffer.from(bytes).toString("hex")).not.toMatch(subject.forbidden);
  };

  describe(`${subject.name}: what every meter does`, () => {
    it("is read as a whole the first time, every record as stored and at its time", async () => {
      const bench = start();
      await measureAll(bench, range(100, 20));
      bench.connect();
      await bench.until(() => bench.stored().length === 20, "all are taken");
      expectRead(bench, range(100, 20));
      expect(bench.sink.taken).toHaveLength(20);
      for (const reading of bench.sink.taken) {
        expect(reading.quality).toContain("stored");
        if (subject.clock === null) continue;
        const measuredAt = Date.parse("2026-06-15T12:00:00Z") + (firstValueOf(reading) - 100) * 60_000;
        expect(Date.parse(reading.time.start ?? "")).toBe(measuredAt);
        expect(reading.time.basis).toBe("device-synced");
      }
      expect(bench.sink.reports).toEqual([]);
      expect(bench.sink.unreadable).toEqual([]);
    });

    it("has an empty memory", async () => {
      const bench = start();
      bench.connect();
      await bench.clock.advance(minutes(1));
      expectRead(bench, []);
      await measureAll(bench, [100]);
      await bench.until(() => bench.stored().length === 1, "the first record is taken");
      expectRead(bench, [100]);
      expect(bench.sink.reports).toEqual([]);
    });

    it("is asked only for what is new when it comes again", async () => {
      const bench = start();
      await measureAll(bench, range(100, 20));
      bench.connect();
      await bench.until(() => bench.stored().length === 20, "the first are taken");
      await bench.clock.advance(seconds(5));
      await bench.unplug();
      await measureAll(bench, range(120, 3));
      bench.connect();
      await bench.until(() => bench.stored().length === 23, "the new ones are taken");
      await bench.clock.advance(minutes(3));
      expectRead(bench, range(100, 23));
      expect(bench.sink.taken).toHaveLength(23);
    });

    it("brings what is measured while it is connected", async () => {
      const bench = start();
      await measureAll(bench, range(100, 3));
      bench.connect();
      await bench.until(() => bench.stored().length === 3, "the first are taken");
      for (const value of range(103, 5)) {
        await bench.clock.advance(minutes(2));
        subject.measure(bench.meter, value);
        await bench.until(() => bench.stored().length === value - 99, "the next is taken", seconds(35));
      }
      expectRead(bench, range(100, 8));
      expect(bench.sink.taken).toHaveLength(8);
    });

    it("is read as a whole after its memory was cleared", async () => {
      const before = start();
      await measureAll(before, range(100, 5));
      before.connect();
      await before.until(() => before.stored().length === 5, "the first are taken");
      await before.clock.advance(seconds(5));
      const bench = start({ remembers: before.context.memory });
      await bench.clock.advance(minutes(60));
      await measureAll(bench, range(110, 7));
      bench.connect();
      await bench.until(() => bench.stored().length === 7, "the new ones are taken");
      await bench.unplug();
      await measureAll(bench, [117]);
      bench.connect();
      await bench.until(() => bench.stored().length === 8, "the next one is taken");
      expectRead(bench, range(110, 8));
      expect(bench.sink.taken).toHaveLength(8);
    });

    it("is read as a whole after its memory went round", async () => {
      const bench = start({ memory: 10 });
      await measureAll(bench, range(100, 10));
      bench.connect();
      await bench.until(() => bench.stored().length === 10, "the first are taken");
      await bench.clock.advance(seconds(5));
      await bench.unplug();
      await measureAll(bench, range(110, 25));
      bench.connect();
      await bench.until(() => bench.stored().length === 20, "the new ones are taken");
      // While it is connected a full memory tells no more by its number of records.
      await measureAll(bench, [135]);
      await bench.until(() => bench.stored().length === 21, "the newest is taken", minutes(3));
      expectRead(bench, [...range(100, 10), ...range(125, 11)]);
    });

    it("is read within seconds when it is switched on, however long it slept", async () => {
      const bench = start();
      await measureAll(bench, range(100, 3));
      bench.isOn = false;
      bench.connect();
      await bench.clock.advance(minutes(10));
      expect(bench.sink.taken).toEqual([]);
      bench.isOn = true;
      await bench.until(() => bench.stored().length === 3, "all are taken", seconds(8));
      bench.isOn = false;
      await measureAll(bench, range(103, 2));
      bench.isOn = true;
      await bench.until(() => bench.stored().length === 5, "the new ones are taken", seconds(20));
      expectRead(bench, range(100, 5));
      expect(bench.sink.reports).toEqual([]);
    });

    it.each<[string, LineFaults]>([
      ["noise before its messages", { noise: 0.3 }],
      ["a flipped bit", { flip: 0.15 }],
      ["a lost octet", { loss: 0.15 }],
      ["messages that come twice", { repeat: 0.3 }],
      ["all of that", { noise: 0.08, flip: 0.05, loss: 0.05, repeat: 0.08 }],
    ])("loses and invents nothing on a line with %s", async (_name, faults) => {
      for (const seed of [1, 2]) {
        const bench = start();
        await measureAll(bench, range(100, 12));
        const chance = createChance(seed);
        bench.spoil = (message) => disturb(message, faults, subject.flippable, chance).bytes;
        bench.connect();
        await bench.until(() => bench.stored().length >= 12, `all are taken (seed ${seed})`, minutes(20));
        await bench.clock.advance(minutes(2));
        bench.spoil = (message) => message;
        await bench.clock.advance(minutes(2));
        expectRead(bench, range(100, 12));
        expect(bench.sink.reports, `seed ${seed}`).toEqual([]);
      }
    });

    it("is asked again when its answers get lost", async () => {
      const bench = start();
      await measureAll(bench, range(100, 12));
      const chance = createChance(7);
      bench.spoil = (message) => (chance.happens(0.1) ? null : message);
      bench.connect();
      await bench.until(() => bench.stored().length === 12, "all are taken (seed 7)", minutes(20));
      expectRead(bench, range(100, 12));
    });

    it("is not confused by answers that come late, or once more when the next question is on its way", async () => {
      for (const seed of [1, 2]) {
        const bench = start();
        await measureAll(bench, range(100, 12));
        const chance = createChance(seed);
        const never = new AbortController().signal;
        let due = 0;
        const deliver = (message: Uint8Array, delay: number): void => {
          due = Math.max(due, bench.clock.elapsed() + delay);
          const wait = millis(due - bench.clock.elapsed());
          void bench.clock.sleep(wait, never).then(() => bench.inject(message));
        };
        bench.spoil = (message) => {
          deliver(message, chance.happens(0.05) ? 1300 : 20);
          if (chance.happens(0.2)) deliver(message, 5);
          return null;
        };
        bench.connect();
        await bench.until(() => bench.stored().length >= 12, `all are taken (seed ${seed})`, minutes(20));
        await bench.clock.advance(minutes(2));
        expectRead(bench, range(100, 12));
        expect(bench.sink.reports, `seed ${seed}`).toEqual([]);
      }
    });

    it("goes on without loss and without doubles after its cable was pulled at any message", async () => {
      const whole = start();
      await measureAll(whole, range(100, 25));
      whole.connect();
      await whole.until(() => whole.stored().length === 25, "all are taken");
      const messages = whole.sent;
      for (let cut = 1; cut <= messages; cut += Math.max(1, Math.floor(messages / 6))) {
        const bench = start();
        await measureAll(bench, range(100, 25));
        bench.spoil = (message, number) => {
          if (number === cut) void bench.unplug();
          return message;
        };
        bench.connect();
        await bench.until(() => bench.sent >= cut, "the cable is pulled");
        expect((await bench.ended()).reason).toBe("disconnected");
        bench.spoil = (message) => message;
        bench.connect();
        await bench.until(() => bench.stored().length === 25, `the rest is taken (cut at message ${cut})`);
        await bench.clock.advance(minutes(1));
        expectRead(bench, range(100, 25));
      }
    });

    it("remembers nothing as taken that the store did not take", async () => {
      const bench = start();
      await measureAll(bench, range(100, 40));
      let commits = 0;
      bench.sink.beforeTake = async () => {
        commits += 1;
        if (commits === 2) throw new Error("the disk is full");
      };
      bench.connect();
      await bench.until(() => commits === 2, "the store fails");
      await expect(bench.ended()).rejects.toThrow("the disk is full");
      bench.connect();
      await bench.until(() => bench.stored().length === 40, "the rest is taken");
      await bench.clock.advance(minutes(1));
      expectRead(bench, range(100, 40));
    });

    it("ends when the hub stops", async () => {
      const bench = start();
      await measureAll(bench, [100]);
      bench.connect();
      await bench.until(() => bench.stored().length === 1, "it is taken");
      expect(await bench.stop()).toEqual({ readings: 1, reason: "aborted" });
      expect(bench.clock.sleeping).toBeLessThanOrEqual(1);
    });

    it("causes one report, and no reading, when something else talks on its port", async () => {
      const bench = start();
      bench.isOn = false;
      bench.connect();
      const talk = async (times: number): Promise<void> => {
        for (let second = 0; second < times && bench.sink.reports.length < 2; second++) {
          bench.inject(Buffer.from("ST,+00070.20 kg\r\n".repeat(5)));
          await bench.clock.advance(seconds(1));
        }
      };
      await talk(120);
      expect(bench.sink.reports).toHaveLength(1);
      expect(bench.sink.reports[0]).toMatchObject({
        code: "serial-fault",
        message: expect.stringMatching(/check that its baud rate .* and that it is the sensor on this port/),
      });
      expect(bench.sink.taken).toEqual([]);
      // The right sensor again, and then the wrong one: that is news.
      subject.measure(bench.meter, 100);
      bench.isOn = true;
      await bench.until(() => bench.stored().length === 1, "the right one is read");
      bench.isOn = false;
      await talk(120);
      expect(bench.sink.reports).toHaveLength(2);
    });

    if (subject.hasSerial)
      it("names its own number in every reading, so that another one in its place is seen", async () => {
        const numbers = new Set<string | null>();
        for (const isOtherMeter of [false, true]) {
          const bench = start({ isOtherMeter });
          await measureAll(bench, range(100, 3));
          bench.connect();
          await bench.until(() => bench.stored().length === 3, "all are taken");
          await bench.unplug();
          await measureAll(bench, range(103, 2));
          bench.connect();
          await bench.until(() => bench.stored().length === 5, "the new ones are taken");
          const told = new Set(bench.stored().map(({ device }) => device.serial));
          expect(told.size).toBe(1);
          for (const number of told) numbers.add(number);
        }
        expect(numbers.size).toBe(2);
        expect(numbers).not.toContain(null);
      });

    const { clock } = subject;
    if (clock !== null)
      it("tells times of a clock that is off, corrected, and is set after that", async () => {
        const bench = start();
        bench.meter.setClockError(minutes(-60));
        await measureAll(bench, [100]);
        await bench.clock.advance(minutes(30));
        bench.connect();
        await bench.until(() => bench.stored().length === 1, "it is taken");
        const [reading] = bench.stored();
        expect(reading?.time.basis).toBe("device-corrected");
        const late = Math.abs(Date.parse(reading?.time.start ?? "") - Date.parse("2026-06-15T12:00:00Z"));
        expect(late).toBeLessThan(1000);
        expect(reading?.time.deviceRaw?.text).toMatch(/^2026-06-15T13:00/);
        expect(reading?.time.uncertaintyMs).toBeLessThan(clock?.shows === "minutes" ? 130_000 : 5000);
        await bench.clock.advance(seconds(30));
        const error = Math.abs(bench.meter.clockError);
        if (clock?.canSet !== true) return expect(error).toBe(minutes(60));
        expect(error).toBeLessThan(clock.shows === "minutes" ? 60_000 : 1001);
        const writes = bench.written.length;
        const measuredAt = bench.clock.now();
        await measureAll(bench, [101]);
        await bench.until(() => bench.stored().length === 2, "the next is taken");
        const next = bench.stored()[1];
        expect(next?.time.basis).toMatch(/^device-/);
        expect(Math.abs(Date.parse(next?.time.start ?? "") - measuredAt)).toBeLessThan(60_000);
        // A clock that is right is left alone, however often it is looked at and whatever minute it shows.
        const after = bench.meter.clockError;
        for (let second = 0; second < 150; second++) await bench.clock.advance(seconds(1));
        expect(bench.meter.clockError).toBe(after);
        expect(bench.written.length).toBeGreaterThan(writes);
      });
  });
};
