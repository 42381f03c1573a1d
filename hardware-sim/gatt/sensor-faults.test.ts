import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../protocol/time.ts";
import { radioAddress } from "../radio/address.ts";
import type { SmpResponder } from "../radio/smp/smp-port.ts";
import { handle } from "./central-bench.ts";
import { READING, sensorBench } from "./sensor-bench.ts";

describe("bonded hubs", () => {
  const KEY = new Uint8Array(16).fill(0xaa);
  const REQUEST = { ediv: 1, rand: new Uint8Array(8) };
  /** A device that has been bonded with the hub in the factory. */
  const smp: SmpResponder = {
    connect: () => ({
      receive: () => undefined,
      keyFor: () => KEY,
      encrypted: () => undefined,
      security: { authenticated: false, bond: "hub" },
      closed: () => undefined,
    }),
  };

  it("need encryption first where the sensor demands it, and are told without subscribing again", async () => {
    const { cuff, central, subscribe, pass } = sensorBench({ security: "encrypted", smp });
    cuff.wake();
    await central.connect();
    await subscribe();
    expect(central.pdus).toEqual([`0112${handle(cuff.gatt.handlesOf("2a35").configuration ?? 0)}0f`]);
    central.link?.startEncryption(REQUEST, KEY, (status) => expect(status).toBe(0));
    await subscribe();
    expect(central.pdus.at(-1)).toBe("13");
    central.link?.disconnect(0x13);
    await pass(millis(0));

    const record = cuff.measure(READING);
    await central.connect();
    await pass(seconds(1));
    expect(central.indications).toEqual([]);
    central.link?.startEncryption(REQUEST, KEY, (status) => expect(status).toBe(0));
    await pass(millis(0));
    expect(central.indications).toEqual([record.valueHex]);
  });

  it("cannot know a private address without its key: it changes with each advertising", async () => {
    const { cuff, air, clock } = sensorBench({ irk: KEY, advertiseFor: seconds(1) });
    const seen = new Set<string>();
    air
      .tune({
        address: radioAddress("00:00:5e:00:53:09"),
        heard: ({ from }) => seen.add(`${from.type} ${from.address}`),
      })
      .scan("passive");
    for (let i = 0; i < 3; i++) {
      cuff.wake();
      await clock.advance(seconds(2));
    }
    expect(seen.size).toBe(3);
    expect([...seen].every((one) => /^random [4-7]/.test(one))).toBe(true);
  });
});

describe("faults", () => {
  it("loses the link in the middle of an indication, and delivers again", async () => {
    const { cuff, central, subscribe } = sensorBench({ faults: { dropMidIndication: 1 } });
    const record = cuff.measure(READING);
    await central.connect();
    await subscribe();
    expect(central.ends).toEqual([0x13]);
    expect(record.confirmedAt).toBeNull();
    cuff.setFaults({ dropMidIndication: 0 });
    await central.connect();
    await subscribe();
    expect(central.indications).toHaveLength(2);
    expect(record.confirmedAt).not.toBeNull();
  });

  it("vanishes silently: the central notices after its supervision timeout of 5 s", async () => {
    const { cuff, central, subscribe, pass } = sensorBench({ faults: { dropMidIndication: 1, dropsSilently: true } });
    cuff.measure(READING);
    await central.connect();
    await subscribe();
    await pass(millis(4900));
    expect(central.ends).toEqual([]);
    await pass(millis(200));
    expect(central.ends).toEqual([0x08]);
  });

  it("sends a confirmed measurement twice", async () => {
    const { cuff, central, subscribe } = sensorBench({ faults: { duplicateIndication: 1 } });
    const record = cuff.measure(READING);
    await central.connect();
    await subscribe();
    expect(central.indications).toEqual([record.valueHex, record.valueHex]);
    expect(record).toMatchObject({ sent: 2 });
    expect(cuff.waiting).toBe(0);
  });

  it("indicates right after the connection, before anybody subscribed", async () => {
    const { cuff, central } = sensorBench({ faults: { earlyIndication: true } });
    const record = cuff.measure(READING);
    await central.connect();
    expect(central.indications).toEqual([record.valueHex]);
    expect(record.confirmedAt).not.toBeNull();
  });

  it("forgets what was never confirmed", async () => {
    const { cuff, central, subscribe } = sensorBench({ faults: { forgetsUnconfirmed: true } });
    central.confirms = false;
    cuff.measure(READING);
    await central.connect();
    await subscribe();
    expect(cuff.waiting).toBe(0);
  });

  it("refuses a subscription twice and then takes it", async () => {
    const { cuff, central, subscribe } = sensorBench({ faults: { refuseSubscriptions: 2 } });
    cuff.measure(READING);
    await central.connect();
    for (let i = 0; i < 3; i++) await subscribe();
    const refusal = `0112${handle(cuff.gatt.handlesOf("2a35").configuration ?? 0)}80`;
    expect(central.pdus).toEqual([refusal, refusal, "13"]);
    expect(central.indications).toHaveLength(1);
  });

  it("answers late, or never", async () => {
    const { cuff, central, subscribe, pass } = sensorBench({ faults: { answerDelay: seconds(3) } });
    cuff.measure(READING);
    await central.connect();
    await subscribe();
    expect(central.pdus).toEqual([]);
    await pass(seconds(3));
    expect(central.pdus).toEqual(["13"]);
    cuff.setFaults({ mute: true });
    await subscribe();
    await pass(seconds(5));
    expect(central.pdus).toEqual(["13"]);
  });

  it("is not heard while it is out of range, and advertises what is left of its time when it is back", async () => {
    const { cuff, central, subscribe, pass } = sensorBench({ faults: { absent: true } });
    cuff.measure(READING);
    await central.connect();
    expect(central.link).toBeNull();
    await pass(seconds(10));
    cuff.setFaults({ absent: false });
    await pass(millis(100));
    expect(central.link).not.toBeNull();
    cuff.setFaults({ absent: true });
    await pass(seconds(6));
    expect(central.ends).toEqual([0x08]);
    expect(cuff.state).toBe("asleep");
    await subscribe();
    expect(central.indications).toEqual([]);
  });

  it("tells nothing after its battery is out", async () => {
    const { cuff, central, pass, clock } = sensorBench();
    cuff.measure(READING);
    await central.connect();
    await cuff.close();
    await pass(seconds(6));
    expect(central.ends).toEqual([0x08]);
    cuff.measure(READING);
    expect(cuff.state).toBe("asleep");
    expect(clock.sleeping).toBe(0);
  });

  it("misbehaves the same way with the same seed", async () => {
    const run = async (): Promise<readonly number[]> => {
      const { cuff, central, subscribe } = sensorBench({
        faults: { dropMidIndication: 0.3, duplicateIndication: 0.3 },
      });
      for (let i = 0; i < 20; i++) {
        cuff.measure({ ...READING, systolic: 100 + i });
        await central.connect();
        await subscribe();
        central.link?.disconnect(0x13);
      }
      return cuff.truth.map(({ sent }) => sent);
    };
    const first = await run();
    expect(new Set(first).size).toBeGreaterThan(1);
    expect(await run()).toEqual(first);
  });
});
