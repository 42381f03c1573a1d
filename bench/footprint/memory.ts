/*
 * Resident memory of the hub's release: idle beside a region, and draining what a long outage left behind; and that of a
 * plain script of the same packages. A script that publishes one row at a time would take minutes for the backlog: it is
 * watched for as long as the hub took.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Bench, compare, type Figure } from "../figure.ts";
import { startChild } from "./child.ts";
import { rssMbOf } from "./proc.ts";
import { openRegionEnd, READING_TOPIC } from "./region-end.ts";
import { buildRelease } from "./release.ts";
import { hubWith, plainScriptWith, type Subject } from "./subjects.ts";

const BACKLOG = { quick: 20_000, full: 100_000 };
/** What is flat has the same size with a tenth. */
const TENTH = 10;
const EVERY_MS = 50;
/** After the first message: what starting needed has been given back by then. */
const SETTLED_MS = { quick: 5000, full: 30_000 };

interface Watched {
  readonly mostMb: number;
  readonly lastMb: number;
  readonly ms: number;
}

export const bench: Bench = {
  name: "memory",
  run: async ({ quick }, signal) => {
    let messages = 0;
    await using region = await openRegionEnd({
      onMessage: (topic) => {
        if (topic === READING_TOPIC) messages += 1;
      },
    });
    await using release = await buildRelease();
    let measurement = 1;

    /** From the first message on, until `isOver`. */
    const watch = async ({ command }: Subject, isOver: (ms: number) => boolean): Promise<Watched> => {
      messages = 0;
      await using child = startChild(command);
      while (messages === 0) await pause(EVERY_MS, undefined, { signal });
      const began = performance.now();
      let mostMb = 0;
      for (;;) {
        const lastMb = rssMbOf(child.pid);
        const ms = performance.now() - began;
        mostMb = Math.max(mostMb, lastMb);
        if (isOver(ms)) return { mostMb, lastMb, ms };
        await pause(EVERY_MS, undefined, { signal });
      }
    };
    const drain = async (count: number): Promise<Watched> => {
      const subject = await hubWith(release, region, count, measurement);
      measurement += count;
      const { accepted } = region.receiver.counts();
      return watch(subject, () => region.receiver.counts().accepted >= accepted + count);
    };

    const settled = (ms: number): boolean => ms >= (quick ? SETTLED_MS.quick : SETTLED_MS.full);
    const idle = await watch(await hubWith(release, region, 1, measurement++), settled);
    const plainIdle = await watch(await plainScriptWith(region, 1, 1), settled);
    const backlog = quick ? BACKLOG.quick : BACKLOG.full;
    const small = await drain(backlog / TENTH);
    const large = await drain(backlog);
    const plainDraining = await watch(await plainScriptWith(region, backlog, 2), (ms) => ms >= large.ms);

    const figure = (what: string, ours: number, peer: number, peerName: string, times: number): Figure =>
      compare({ what, ours, peer, peerName, unit: "MB", goal: { tag: "at-most", times } });
    const peerName = "plain script, same packages";
    return [
      figure("resident memory, idle", idle.lastMb, plainIdle.lastMb, peerName, 1.15),
      figure(`resident memory, draining ${backlog}, at most`, large.mostMb, plainDraining.mostMb, peerName, 1),
      figure(`the same against ${backlog / TENTH}`, large.mostMb, small.mostMb, `${backlog / TENTH} readings`, 1.1),
    ];
  },
};
