import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../protocol/time.ts";
import type { SmpResponder } from "../radio/smp/smp-port.ts";
import { ALL, blood, DONE, meterBench } from "./glucose-bench.ts";

describe("report of stored records", () => {
  it("comes oldest first, context after its measurement, and ends with the answer", async () => {
    const { sensor, ready, ask, events } = meterBench();
    const first = sensor.measure(blood(111));
    const second = sensor.measure({ ...blood(145), context: { meal: "after" } });
    await ready();
    expect(await ask(ALL)).toEqual([
      "2a18 030100ea07060f0e000000006fb011",
      "2a18 130200ea07060f0e0000000091b011",
      "2a34 02020002",
      DONE,
    ]);
    expect(first).toMatchObject({ valueHex: "030100ea07060f0e000000006fb011", sequence: 1, sent: 1 });
    expect(second.followingHex).toEqual(["02020002"]);
    expect(sensor.waiting).toBe(0);
    expect(events.slice(-4)).toEqual(["sent 1", "sent 2", "confirmed 1", "confirmed 2"]);
  });

  it("keeps the records: the same ones come again, byte for byte", async () => {
    const { sensor, ready, ask } = meterBench();
    sensor.measure(blood(111));
    await ready();
    expect(await ask(ALL)).toEqual(await ask(ALL));
    expect(sensor.truth[0]).toMatchObject({ sent: 2, deletedAt: null });
  });

  it("goes on from a number, and says so when there is nothing newer", async () => {
    const { sensor, ready, ask, brief } = meterBench();
    for (const value of [101, 102, 103]) sensor.measure(blood(value));
    await ready();
    expect(brief(await ask("0103010300"))).toEqual([3, DONE]);
    expect(brief(await ask("0103010400"))).toEqual(["2a52 06000106"]);
    expect(brief(await ask("0403010200"))).toEqual(["2a52 05000200"]);
    expect(brief(await ask("0106"))).toEqual([3, DONE]);
  });

  it("leaves contexts out for a central that did not subscribe to them", async () => {
    const { sensor, central, subscribe, ask } = meterBench();
    sensor.measure({ ...blood(145), context: { meal: "fasting" } });
    await central.connect();
    await subscribe("2a18", "notify");
    await subscribe("2a52", "indicate");
    expect(await ask(ALL)).toEqual(["2a18 130100ea07060f0e0000000091b011", DONE]);
  });

  it("is refused with 0x81 until both are configured", async () => {
    const { sensor, central, subscribe, write, refusal, ask } = meterBench();
    sensor.measure(blood(111));
    await central.connect();
    expect(await write("2a52", ALL)).toBe(refusal("2a52", "81"));
    await subscribe("2a52", "indicate");
    expect(await write("2a52", ALL)).toBe(refusal("2a52", "81"));
    expect(await ask("0401")).toEqual(["2a52 05000100"]);
    await subscribe("2a18", "notify");
    expect(await write("2a52", ALL)).toBe("13");
  });

  it("is refused with 0x80 while another one runs, and can be aborted in between", async () => {
    const { sensor, ready, write, refusal, pass, heard, brief } = meterBench({ recordInterval: millis(100) });
    for (let i = 0; i < 10; i++) sensor.measure(blood(100 + i));
    await ready();
    expect(await write("2a52", ALL)).toBe("13");
    await pass(millis(350));
    expect(await write("2a52", ALL)).toBe(refusal("2a52", "80"));
    expect(await write("2a52", "0300")).toBe("13");
    await pass(seconds(3));
    expect(brief(heard())).toEqual([1, 2, 3, "2a52 06000301"]);
    expect(sensor.waiting).toBe(10);
  });

  it("records an erasure by the central, which a hub never may", async () => {
    const { sensor, ready, ask, clock } = meterBench();
    const record = sensor.measure(blood(111));
    await ready();
    expect(await ask("0201")).toEqual(["2a52 06000201"]);
    expect(sensor.erased).toEqual([record]);
    expect(record.deletedAt).toBe(clock.now() - 5000);
    expect(await ask("0401")).toEqual(["2a52 05000000"]);
  });

  it("ends with the meter hanging up 10 s after its last answer", async () => {
    const { sensor, ready, ask, pass, central, clock } = meterBench();
    sensor.measure(blood(111));
    await ready();
    await ask(ALL);
    await pass(millis(4900));
    expect(central.ends).toEqual([]);
    await pass(millis(200));
    expect(central.ends).toEqual([0x13]);
    expect(sensor.state).toBe("asleep");
    expect(clock.sleeping).toBe(0);
  });
});

describe("time of a meter", () => {
  it("keeps its base when the central sets the clock, and says the offset from then on", async () => {
    const { sensor, ready, write, ask } = meterBench({ clock: { tag: "offset", by: millis(-3_600_000) } });
    sensor.measure(blood(111));
    await ready();
    // 2026-06-15 14:00:00, a Monday; the base is at 13:00.
    expect(await write("2a2b", "ea07060f0e0000010000")).toBe("13");
    expect(sensor.clockText).toBe("2026-06-15T14:00:00");
    const second = sensor.measure(blood(112));
    expect(second.deviceTime).toBe("2026-06-15T14:00:00");
    expect((await ask(ALL)).slice(0, 2)).toEqual([
      "2a18 030100ea07060f0d000000006fb011",
      "2a18 030200ea07060f0d00003c0070b011",
    ]);
  });

  it("selects by user facing time, not by base time", async () => {
    const { sensor, ready, write, ask, brief } = meterBench({ clock: { tag: "offset", by: millis(-3_600_000) } });
    sensor.measure(blood(111));
    await ready();
    await write("2a2b", "ea07060f0e0000010000");
    sensor.measure(blood(112));
    expect(brief(await ask("010302ea07060f0d1e00"))).toEqual([2, DONE]);
  });

  it("moves the base only when the offset does not hold the change", async () => {
    const { sensor, ready, write } = meterBench({ clock: { tag: "factory" } });
    await ready();
    await write("2a2b", "ea07060f0e0000010000");
    expect(sensor.measure(blood(111)).valueHex).toBe("030100ea07060f0e000000006fb011");
  });

  it("is unknown without a clock", () => {
    const { sensor } = meterBench({ clock: { tag: "none" } });
    expect(sensor.measure(blood(111))).toMatchObject({
      valueHex: "0301000000000000000000006fb011",
      deviceTime: null,
    });
  });
});

describe("meter that demands encryption", () => {
  const KEY = new Uint8Array(16).fill(0xaa);
  /** It has been bonded with the hub in the factory. */
  const smp: SmpResponder = {
    connect: () => ({
      receive: () => undefined,
      keyFor: () => KEY,
      encrypted: () => undefined,
      security: { authenticated: false, bond: "hub" },
      closed: () => undefined,
    }),
  };

  it("tells nothing before, and remembers the subscriptions of its hub", async () => {
    const { sensor, central, subscribe, write, refusal, ask, configure, brief, pass } = meterBench({
      security: "encrypted",
      smp,
    });
    const encrypt = async (): Promise<void> => {
      central.link?.startEncryption({ ediv: 1, rand: new Uint8Array(8) }, KEY, () => undefined);
      await pass(millis(0));
    };
    sensor.measure(blood(101));
    await central.connect();
    expect(await subscribe("2a52", "indicate")).toMatch(/0f$/);
    expect(await write("2a52", ALL)).toBe(refusal("2a52", "0f"));
    await encrypt();
    await configure();
    expect(brief(await ask(ALL))).toEqual([1, DONE]);
    central.link?.disconnect(0x13);
    await pass(millis(0));
    sensor.measure(blood(102));
    await central.connect();
    await encrypt();
    expect(brief(await ask("0103010200"))).toEqual([2, DONE]);
  });
});
