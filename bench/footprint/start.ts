/*
 * From starting the process to its first message with a reading at the broker, with one reading in the store: the
 * release of the hub, and a plain script of the same packages that does what one row needs and no more.
 */
import { type Bench, compare, median } from "../figure.ts";
import { startChild } from "./child.ts";
import { cpuMsOf } from "./proc.ts";
import { openRegionEnd, READING_TOPIC } from "./region-end.ts";
import { buildRelease } from "./release.ts";
import { hubWith, plainScriptWith, type Subject } from "./subjects.ts";

/** In turns, so that a busy machine slows both. */
const ROUNDS = { quick: 3, full: 11 };

/** A start that takes longer has failed. */
const LONGEST_MS = 60_000;

interface Start {
  readonly wallMs: number;
  /** All threads, until the message was there. */
  readonly cpuMs: number;
}

export const bench: Bench = {
  name: "start",
  run: async ({ quick }, signal) => {
    let sent: (() => void) | null = null;
    await using region = await openRegionEnd({
      onMessage: (topic) => {
        if (topic === READING_TOPIC) sent?.();
      },
    });
    await using release = await buildRelease();

    const start = async ({ command, name }: Subject): Promise<Start> => {
      const arrived = Promise.withResolvers<void>();
      sent = arrived.resolve;
      await using child = startChild(command);
      const late = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]);
      late.addEventListener("abort", () => arrived.reject(new Error(`${name}: no message: ${child.lines.at(-1)}`)), {
        once: true,
      });
      await arrived.promise;
      const wallMs = performance.now() - child.startedAt;
      return { wallMs, cpuMs: cpuMsOf(child.pid) };
    };

    const hub: Start[] = [];
    const plain: Start[] = [];
    const rounds = quick ? ROUNDS.quick : ROUNDS.full;
    for (let round = 1; round <= rounds; round += 1) {
      hub.push(await start(await hubWith(release, region, 1, round)));
      plain.push(await start(await plainScriptWith(region, 1, round)));
    }
    const figure = (what: string, of: (one: Start) => number, times: number | null) =>
      compare({
        what,
        ours: median(hub.map(of)),
        peer: median(plain.map(of)),
        peerName: "plain script, same packages",
        unit: "ms",
        goal: times === null ? { tag: "none" } : { tag: "at-most", times },
      });
    return [
      figure("start to first publish", ({ wallMs }) => wallMs, 0.7),
      figure("start to first publish, CPU of all threads", ({ cpuMs }) => cpuMs, null),
    ];
  },
};
