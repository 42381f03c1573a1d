import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { type LungBlow, vitalographFrame, vitalographTestFrame } from "../../hardware-sim/serial/vitalograph-frames.ts";
import { toHex } from "../../protocol/bytes.ts";
import { createRecordingSink } from "../../tests/serial/recording-sink.ts";
import { sessionContext } from "../../tests/serial/session-context.ts";
import { until } from "../../tests/support/until.ts";
import { createVitalographSerialDriver } from "./vitalograph.ts";

const BLOW: LungBlow = { pef: 332, fev075: 287, fev1: 323, fev6: 423, fef2575: 275 };
/** The simulated clock starts at 12:00 UTC, which is 14:00 in the home. */
const LOCAL = Date.UTC(2026, 5, 15, 14);

const frame = (blow: Partial<LungBlow> = {}, shownMs = LOCAL - 10_000): Uint8Array =>
  vitalographTestFrame("G", "185100", { ...BLOW, ...blow }, shownMs);

const start = (sink = createRecordingSink()) => {
  const clock = createSimulatedClock();
  const transport = createMemoryTransport(clock);
  const stop = new AbortController();
  const ended = createVitalographSerialDriver().session(transport, sink, sessionContext(clock), stop.signal);
  ended.catch(() => undefined);
  const unplugged = async () => {
    transport.unplug();
    return await ended;
  };
  const told = (count: number) => until(() => transport.written.length === count, "the monitor is told");
  return { clock, transport, sink, ended, unplugged, told };
};

const written = (transport: { readonly written: readonly Uint8Array[] }): string[] => transport.written.map(toHex);

describe("lung monitor session", () => {
  it("takes a blow with its time, its monitor and its bytes, and acknowledges it", async () => {
    const { transport, sink, unplugged, told } = start();
    transport.send(frame());
    await told(1);
    expect(await unplugged()).toEqual({ readings: 1, reason: "disconnected" });
    expect(sink.taken).toMatchObject([
      {
        kind: "spirometry",
        status: "final",
        values: [{ value: 332 }, { value: 3.23, decimals: 2, unit: "L" }, { value: 76 }],
        time: { start: "2026-06-15T11:59:50.000Z", basis: "device-synced", deviceRaw: { text: "2026-06-15T13:59:50" } },
        device: { serial: "0000185100" },
        provenance: {
          driver: "vitalograph-lung-monitor@1.0.0",
          transport: "serial",
          source: "vitalograph",
          rawHex: toHex(frame()),
        },
      },
    ]);
    expect(written(transport)).toEqual(["06"]);
  });

  it("acknowledges only after the blow is durable", async () => {
    const { transport, sink, unplugged, told } = start();
    const durable = Promise.withResolvers<void>();
    let asked = false;
    sink.beforeTake = () => {
      asked = true;
      return durable.promise;
    };
    transport.send(frame());
    await until(() => asked, "the blow is on its way to the store");
    expect(written(transport)).toEqual([]);
    durable.resolve();
    await told(1);
    await unplugged();
  });

  it("does not acknowledge what the store refused", async () => {
    const { transport, sink, ended } = start();
    sink.beforeTake = () => Promise.reject(new Error("disk full"));
    transport.send(frame());
    await expect(ended).rejects.toThrow("disk full");
    expect(written(transport)).toEqual([]);
  });

  it("gives a repeated blow the same idem, and each blow of a session its own", async () => {
    const { transport, sink, unplugged, told } = start();
    const blows = [frame(), frame(), frame({ fev1: 330 }, LOCAL + 30_000), frame({ fev1: 330 }, LOCAL + 60_000)];
    for (const blow of blows) transport.send(blow);
    await told(blows.length);
    await unplugged();
    expect(sink.taken).toHaveLength(4);
    expect(new Set(sink.taken.map(({ idem }) => idem)).size).toBe(3);
    expect(written(transport)).toEqual(["06", "06", "06", "06"]);
  });

  it("does not guess when a blow was whose clock disagrees: a clock left in winter time has no start", async () => {
    const { transport, sink, unplugged } = start();
    transport.send(frame({}, LOCAL - 3_600_000));
    await unplugged();
    expect(sink.taken).toMatchObject([
      {
        time: {
          start: null,
          faults: ["timeline-unknown"],
          deviceRaw: { text: "2026-06-15T13:00:00" },
          received: { utc: "2026-06-15T12:00:00.000Z" },
        },
      },
    ]);
  });

  it("understands a notice without test data, and takes nothing of it", async () => {
    const { transport, sink, unplugged } = start();
    transport.send(vitalographFrame("GPD0000185100"));
    await unplugged();
    expect([sink.taken, sink.unreadable, sink.reports, written(transport)]).toEqual([[], [], [], []]);
  });

  it("keeps test data of a layout that it does not know, and acknowledges nothing", async () => {
    const { transport, sink, unplugged } = start();
    const foreign = vitalographFrame(`DTD${"0".repeat(65)}`);
    transport.send(foreign);
    await unplugged();
    expect(sink.taken).toEqual([]);
    expect(sink.unreadable).toMatchObject([{ channel: "vitalograph", rawHex: toHex(foreign) }]);
    expect(sink.reports.map(({ code }) => code)).toEqual(["malformed-data"]);
    expect(written(transport)).toEqual([]);
  });

  it("reports a line on which nothing makes sense", async () => {
    const { transport, sink, unplugged } = start();
    transport.send(new Uint8Array(300).fill(0xf8));
    await unplugged();
    expect(sink.reports.map(({ code }) => code)).toEqual(["serial-fault"]);
  });

  it("takes nothing but whole, undamaged blows out of any noise", async () => {
    const sink = createRecordingSink();
    const whole = frame();
    const piece = fc.oneof(
      fc.constant(whole),
      fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
      fc.nat(whole.length * 8 - 1).map((bit) => {
        const flipped = Uint8Array.from(whole);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        return flipped;
      }),
      fc.uint8Array({ minLength: 1, maxLength: 30 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const { transport, unplugged } = start(sink);
        const before = sink.taken.length;
        for (const one of pieces) transport.send(one);
        transport.send(whole);
        await unplugged();
        expect(sink.taken.length).toBeGreaterThan(before);
        for (const { provenance } of sink.taken.slice(before)) expect(provenance.rawHex).toBe(toHex(whole));
      }),
      { numRuns: 300 },
    );
  });
});
