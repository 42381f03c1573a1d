import type { Outbox } from "../protocol/ports/outbox.ts";
import { hrMs, type Job, type ProgramLine } from "./job.ts";
import { type SentWatch, TIMED } from "./sent-watch.ts";

/** The hub that does the job. */
export interface JobHub {
  /** One indication of the sensor called so; resolves when its reading is durable. */
  take(sensor: string): Promise<void>;
  readonly watch: SentWatch;
  readonly outbox: Outbox;
  /** The forwarder, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  say(line: ProgramLine): void;
  readonly stop: AbortController;
}

/** Sensors of a `fill`, which has no rate to show. */
const FILLING = 64;

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** `count` readings of `sensors`, each giving its next one as soon as the last one is durable. */
const takeMany = async ({ take }: JobHub, sensors: number, count: number): Promise<void> => {
  let left = count;
  const sensor = async (name: string): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await take(name);
    }
  };
  await Promise.all(Array.from({ length: sensors }, (_, at) => sensor(`sensor-${at}`)));
};

/** One reading on each beat; they do not wait for one another. */
const takeOnBeat = async ({ take, watch }: JobHub, everyMs: number, isOver: () => boolean): Promise<void> => {
  const taking: Promise<void>[] = [];
  for (let next = hrMs(); !isOver(); ) {
    watch.taking();
    taking.push(take(TIMED));
    next += everyMs;
    await pause(Math.max(0, next - hrMs()));
  }
  await Promise.all(taking);
  await watch.timed();
};

/** Do one job of bench/job.ts and say what came of it; resolves when the hub is still. */
export const runJob = async (job: Job, hub: JobHub): Promise<void> => {
  const { watch, say, stop } = hub;
  const { waiting, newest } = hub.outbox.depth();
  const running = job.tag === "fill" ? Promise.resolve() : hub.run(stop.signal);
  if (job.tag !== "fill") await watch.linkUp;
  if (job.tag === "busy") {
    await takeMany(hub, job.sensors, job.warmUp);
    await watch.reached(job.warmUp);
  }
  const cpu = process.cpuUsage();
  const beganAt = hrMs();
  const done = (count: number, endedAt: number): void => {
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = (user + system) / 1000;
    say({ event: "done", count, beganAt, endedAt, cpuMs, latenciesMs: watch.latenciesMs });
  };
  switch (job.tag) {
    case "busy":
      await takeMany(hub, job.sensors, job.count);
      await watch.reached(job.warmUp + job.count);
      done(job.count, watch.lastAt);
      break;
    case "rest": {
      let left = job.count;
      await takeOnBeat(hub, job.everyMs, () => left-- === 0);
      done(job.count, watch.lastAt);
      break;
    }
    case "fill":
      await takeMany(hub, FILLING, job.count);
      done(job.count, hrMs());
      break;
    case "drain": {
      let drained = false;
      const draining = watch.reached(waiting, newest ?? 0).then(() => {
        drained = true;
        return watch.lastAt;
      });
      const live = job.liveEveryMs === null ? null : takeOnBeat(hub, job.liveEveryMs, () => drained);
      const endedAt = await draining;
      await live;
      done(waiting, endedAt);
      break;
    }
    case "idle":
      break;
  }
  if (job.tag !== "idle") stop.abort(new Error("the job is done"));
  await running;
};
