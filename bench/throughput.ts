import { bridgeBusy } from "./bridged.ts";
import { type Bench, compare } from "./figure.ts";
import type { JobReport } from "./job.ts";
import { openStage } from "./stage.ts";

/** Sensors that give at the same time, as many as can be: a hub's busiest minute is far below any figure here. */
const SENSORS = 16;

const perSecond = ({ count, beganAt, endedAt }: JobReport): number => (count * 1000) / (endedAt - beganAt);
const cpuUsEach = ({ count, cpuMs }: JobReport): number => (cpuMs * 1000) / count;

/** From a sensor's octets to the PUBACK of the region's broker, as fast as it goes; and what a reading costs then. */
export const bench: Bench = {
  name: "throughput",
  run: async ({ quick }, signal) => {
    await using stage = await openStage();
    const many = { sensors: SENSORS, warmUp: quick ? 2000 : 10_000, count: quick ? 4000 : 30_000 };
    const few = { sensors: SENSORS, warmUp: 500, count: quick ? 1000 : 5000 };
    const ours = await stage.run("ours", { tag: "busy", ...many }, "ours-busy", signal);
    const bridge = await bridgeBusy(stage, many, signal);
    const tuned = await stage.run("tuned-script", { tag: "busy", ...many }, "tuned-busy", signal);
    const plain = await stage.run("plain-script", { tag: "busy", ...few }, "plain-busy", signal);
    const rate = { what: "durable readings a second, octets to PUBACK", unit: "readings/s", ours: perSecond(ours) };
    const cpu = { what: "CPU of a reading, busy", unit: "us", ours: cpuUsEach(ours) };
    return [
      compare({
        ...rate,
        peer: bridge.perSecond,
        peerName: "bridge",
        goal: { tag: "at-least", times: 3 },
        note: "the bridge is not durable, and neither decodes, checks nor seals",
      }),
      compare({ ...rate, peer: perSecond(tuned), peerName: "tuned script", goal: { tag: "none" } }),
      compare({ ...rate, peer: perSecond(plain), peerName: "plain script", goal: { tag: "none" } }),
      compare({ ...cpu, peer: cpuUsEach(tuned), peerName: "tuned script", goal: { tag: "at-most", times: 1 } }),
      compare({ ...cpu, peer: bridge.cpuMsEach * 1000, peerName: "bridge", goal: { tag: "none" } }),
    ];
  },
};
