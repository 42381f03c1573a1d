import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../../tests/support/test-loggers.ts";
import type { ServiceNotify } from "./service-notify.ts";
import { createServiceWatch } from "./service-watch.ts";

const EVERY = seconds(20);

let clock: SimulatedClock;
let signs: string[];
let lines: LogLine[];
let stop: AbortController;
let ready: PromiseWithResolvers<void>;
let running: Promise<void>;

beforeEach(() => {
  clock = createSimulatedClock();
  [signs, lines] = [[], []];
  stop = new AbortController();
  ready = Promise.withResolvers();
});
afterEach(async () => {
  stop.abort();
  await running;
});

interface Given {
  readonly every?: ServiceNotify["every"];
  readonly probe?: () => Promise<unknown>;
  readonly by?: Clock;
}

const start = ({ every = EVERY, probe = async () => undefined, by = clock }: Given = {}): void => {
  const notify: ServiceNotify = {
    every,
    tell: async (sign) => {
      signs.push(`${clock.elapsed() / 1000} ${sign}`);
    },
  };
  const logger = createKeepingLogger(lines);
  running = createServiceWatch({ notify, ready: ready.promise, probe, clock: by, logger }).run(stop.signal);
};

const becomeReady = async (): Promise<void> => {
  ready.resolve();
  await clock.advance(millis(0));
};

describe("F56: signs of life to the supervisor", () => {
  it("begin when the hub is ready, and come every third of the supervisor's patience", async () => {
    start();
    await clock.advance(seconds(100));
    expect(signs).toEqual([]);
    await becomeReady();
    await clock.advance(seconds(60));
    expect(signs).toEqual(["100 ready", "120 alive", "140 alive", "160 alive"]);
  });

  it("cost no timer where nobody waits for them", async () => {
    start({ every: null });
    await becomeReady();
    await running;
    expect(signs).toEqual(["0 ready"]);
    expect(clock.sleeping).toBe(0);
  });

  it("are not given while the outbox does not answer, and it is asked once only", async () => {
    const answer = Promise.withResolvers<void>();
    let asked = 0;
    start({
      probe: () => {
        asked += 1;
        return asked === 1 ? answer.promise : Promise.resolve();
      },
    });
    await becomeReady();
    await clock.advance(seconds(200));
    expect(signs).toEqual(["0 ready"]);
    expect(asked).toBe(1);
    expect(lines.map(({ level, message }) => `${level} ${message}`)).toContain(
      "error no sign of life to the supervisor: the outbox does not answer",
    );
    answer.resolve();
    await clock.advance(seconds(20));
    expect(signs.at(-1)).toMatch(/alive$/);
  });

  it("go on where the outbox refuses: a restart would not give it a disk", async () => {
    start({ probe: () => Promise.reject(new Error("disk full")) });
    await becomeReady();
    await clock.advance(seconds(40));
    expect(signs).toEqual(["0 ready", "20 alive", "40 alive"]);
  });

  it("are not given by an event loop that stands still again and again", async () => {
    let stoodStill = 0;
    const by: Clock = {
      now: clock.now,
      elapsed: () => millis(clock.elapsed() + stoodStill),
      sleep: async (delay, signal) => {
        await clock.sleep(delay, signal);
        stoodStill += 6000;
      },
    };
    start({ by });
    await becomeReady();
    await clock.advance(seconds(200));
    expect(signs).toEqual(["0 ready"]);
    expect(lines[0]).toMatchObject({ level: "warn", fields: { reason: "6000 ms late" } });
  });

  it("end with the part, and are not given by a hub that never was ready", async () => {
    start();
    stop.abort();
    await running;
    await becomeReady();
    await clock.advance(seconds(100));
    expect(signs).toEqual([]);
  });
});
