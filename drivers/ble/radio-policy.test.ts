import { describe, expect, it } from "vitest";
import { type SensorId, sensorId } from "../../protocol/ids.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import {
  initialPolicy,
  type RadioEffect,
  type RadioEvent,
  type RadioPolicyState,
  radioPolicy,
} from "./radio-policy.ts";

type Untimed<E> = E extends unknown ? Omit<E, "now"> : never;

const CUFF = sensorId("cuff");
const SCALE = sensorId("scale");
const STREAM = sensorId("oximeter");

/** A policy that is stepped by hand; time passes with `after`. */
const createBench = () => {
  let now: Millis = millis(1000);
  let state: RadioPolicyState = initialPolicy([
    { id: CUFF, stays: false },
    { id: SCALE, stays: false },
    { id: STREAM, stays: true },
  ]);
  const send = (event: Untimed<RadioEvent>): readonly RadioEffect[] => {
    const step = radioPolicy(state, { ...event, now } as RadioEvent);
    state = step.state;
    return step.effects;
  };
  const tags = (event: Untimed<RadioEvent>): string[] => send(event).map(({ tag }) => tag);
  const heard = (sensor: SensorId): string[] => tags({ tag: "heard", sensor, connectable: true });
  return {
    send,
    tags,
    heard,
    after: (span: Millis) => {
      now = millis(now + span);
    },
    get state() {
      return state;
    },
    get now() {
      return now;
    },
    scanning: () => {
      send({ tag: "begin" });
      send({ tag: "started" });
    },
    /** From the advertisement to the session. */
    connect: (sensor: SensorId) => {
      expect(heard(sensor)).toEqual(["stop-scan"]);
      expect(send({ tag: "scan-stopped" })).toEqual([{ tag: "connect", sensor }]);
      send({ tag: "connected", sensor });
    },
    fail: (sensor: SensorId) => {
      expect(heard(sensor)).toEqual(["stop-scan"]);
      send({ tag: "scan-stopped" });
      return tags({ tag: "not-connected", sensor });
    },
  };
};

describe("the radio policy", () => {
  it("starts the radio, then scans, and begins a new scan each minute", () => {
    const bench = createBench();
    expect(bench.tags({ tag: "begin" })).toEqual(["start"]);
    expect(bench.send({ tag: "started" })).toEqual([{ tag: "scan" }, { tag: "wake", at: bench.now + 60_000 }]);
    bench.after(seconds(60));
    expect(bench.tags({ tag: "tick" })).toEqual(["stop-scan"]);
    expect(bench.tags({ tag: "scan-stopped" })).toEqual(["scan", "wake"]);
  });

  it("stops the scan, connects, and scans again while the session runs", () => {
    const bench = createBench();
    bench.scanning();
    expect(bench.heard(CUFF)).toEqual(["stop-scan"]);
    expect(bench.send({ tag: "scan-stopped" })).toEqual([{ tag: "connect", sensor: CUFF }]);
    expect(bench.tags({ tag: "connected", sensor: CUFF })).toEqual(["scan", "wake"]);
    expect(bench.state.sensors.get(CUFF)?.phase).toBe("session");
  });

  it("connects to a second sensor while the first is in its session, and not again to the first", () => {
    const bench = createBench();
    bench.scanning();
    bench.connect(CUFF);
    expect(bench.heard(CUFF)).toEqual([]);
    bench.connect(SCALE);
    expect([...bench.state.sensors.values()].map(({ phase }) => phase)).toEqual(["session", "session", "idle"]);
  });

  it("makes one connection at a time", () => {
    const bench = createBench();
    bench.scanning();
    bench.heard(CUFF);
    expect(bench.heard(SCALE)).toEqual([]);
    bench.send({ tag: "scan-stopped" });
    expect(bench.heard(SCALE)).toEqual([]);
    bench.send({ tag: "connected", sensor: CUFF });
    expect(bench.heard(SCALE)).toEqual(["stop-scan"]);
  });

  it("leaves alone what is not enrolled or cannot be connected to", () => {
    const bench = createBench();
    bench.scanning();
    expect(bench.heard(sensorId("stranger"))).toEqual([]);
    expect(bench.tags({ tag: "heard", sensor: CUFF, connectable: false })).toEqual([]);
  });

  it("waits 0.1, 0.25, 0.5, then 1 s after failures in a row, and only for that sensor", () => {
    const bench = createBench();
    bench.scanning();
    for (const pause of [100, 250, 500, 1000, 1000]) {
      expect(bench.fail(CUFF)).toEqual(["scan", "wake"]);
      bench.after(millis(pause - 1));
      expect(bench.heard(CUFF)).toEqual([]);
      bench.after(millis(1));
    }
    bench.fail(CUFF);
    expect(bench.heard(SCALE)).toEqual(["stop-scan"]);
  });

  it("counts a session that broke off without a reading like a failure, and one with a reading not", () => {
    const bench = createBench();
    bench.scanning();
    bench.connect(CUFF);
    bench.send({ tag: "session-ended", sensor: CUFF, readings: 0, failed: true });
    expect(bench.state.sensors.get(CUFF)).toMatchObject({ phase: "idle", failures: 1, notBefore: bench.now + 100 });
    bench.after(millis(100));
    bench.connect(CUFF);
    bench.send({ tag: "session-ended", sensor: CUFF, readings: 1, failed: true });
    expect(bench.state.sensors.get(CUFF)).toMatchObject({ failures: 0, notBefore: bench.now + 1000 });
  });

  it("counts anew when the sensor was silent for longer than an advertising window", () => {
    const bench = createBench();
    bench.scanning();
    for (let i = 0; i < 4; i++) {
      bench.fail(CUFF);
      bench.after(seconds(1));
    }
    bench.after(seconds(31));
    bench.fail(CUFF);
    expect(bench.state.sensors.get(CUFF)).toMatchObject({ failures: 1, notBefore: bench.now + 100 });
  });

  it("comes back less and less often, up to 5 s, to a sensor that advertises and has nothing to say", () => {
    const bench = createBench();
    bench.scanning();
    const pauses: number[] = [];
    for (let i = 0; i < 5; i++) {
      bench.connect(CUFF);
      bench.send({ tag: "session-ended", sensor: CUFF, readings: 0, failed: false });
      const pause = (bench.state.sensors.get(CUFF)?.notBefore ?? 0) - bench.now;
      pauses.push(pause);
      bench.after(millis(pause));
    }
    expect(pauses).toEqual([1000, 2000, 4000, 5000, 5000]);
  });

  it("comes back to a stream as soon as it is heard", () => {
    const bench = createBench();
    bench.scanning();
    bench.connect(STREAM);
    bench.send({ tag: "session-ended", sensor: STREAM, readings: 100, failed: true });
    bench.connect(STREAM);
  });

  it("reports an absent adapter once, and tries again after 1, 2, 4, 8, 16, then every 30 s", () => {
    const bench = createBench();
    const pauses: number[] = [];
    const reports: string[] = [];
    bench.send({ tag: "begin" });
    for (let i = 0; i < 8; i++) {
      for (const effect of bench.send({ tag: "trouble", kind: "adapter-absent", message: "no such port" })) {
        if (effect.tag === "report") reports.push(effect.message);
        if (effect.tag === "wake") {
          pauses.push(effect.at - bench.now);
          bench.after(millis(effect.at - bench.now));
        }
      }
      expect(bench.tags({ tag: "tick" })).toEqual(["start"]);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(reports).toEqual(["no such port"]);
  });

  it("says when the adapter is back, and reports again only after it was well for a whole scan", () => {
    const bench = createBench();
    const absent = { tag: "trouble", kind: "adapter-absent", message: "no such port" } as const;
    bench.scanning();
    expect(bench.tags(absent)).toEqual(["report", "wake"]);
    bench.after(seconds(30));
    bench.send({ tag: "tick" });
    expect(bench.tags({ tag: "started" })).toEqual(["recovered", "scan", "wake"]);
    expect(bench.tags(absent)).toEqual(["wake"]);
    bench.after(seconds(30));
    bench.send({ tag: "tick" });
    bench.send({ tag: "started" });
    bench.after(seconds(60));
    bench.send({ tag: "tick" });
    bench.send({ tag: "scan-stopped" });
    expect(bench.tags(absent)).toEqual(["report", "wake"]);
  });

  it("gives a wedged adapter a new scan, then a new binding, then reports it", () => {
    const bench = createBench();
    const wedged = { tag: "trouble", kind: "adapter-wedged", message: "no answer" } as const;
    bench.scanning();
    expect(bench.tags(wedged)).toEqual(["scan", "wake"]);
    expect(bench.tags(wedged)).toEqual(["start"]);
    expect(bench.tags(wedged)).toEqual(["report", "wake"]);
    bench.after(seconds(30));
    expect(bench.tags({ tag: "tick" })).toEqual(["start"]);
  });

  it("starts at the foot of the ladder again after a connection", () => {
    const bench = createBench();
    const wedged = { tag: "trouble", kind: "adapter-wedged", message: "no answer" } as const;
    bench.scanning();
    bench.send(wedged);
    bench.connect(CUFF);
    expect(bench.tags(wedged)).toEqual(["scan", "wake"]);
  });

  it("frees a sensor that was about to be connected to when the adapter fails", () => {
    const bench = createBench();
    bench.scanning();
    bench.heard(CUFF);
    bench.send({ tag: "scan-stopped" });
    bench.send({ tag: "trouble", kind: "adapter-wedged", message: "no answer" });
    expect(bench.heard(CUFF)).toEqual(["stop-scan"]);
  });

  it("takes a scan that ends by itself for a fault of the adapter", () => {
    const bench = createBench();
    bench.scanning();
    bench.tags({ tag: "scan-stopped" });
    expect(bench.state.rung).toBe(1);
  });

  it("does nothing at a tick that comes late", () => {
    const bench = createBench();
    bench.scanning();
    expect(bench.tags({ tag: "tick" })).toEqual([]);
    bench.heard(CUFF);
    bench.after(seconds(60));
    expect(bench.tags({ tag: "tick" })).toEqual([]);
  });
});
