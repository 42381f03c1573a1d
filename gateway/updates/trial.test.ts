import { afterEach, describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import type { Reason } from "../../ota/update/update-state.ts";
import { epochMs, type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../../tests/support/test-loggers.ts";
import { createTrial, LONGEST_EXCUSE, STEADY_TIME, TRIAL_TIME } from "./trial.ts";
import { noteBefore } from "./trial-before.ts";
import { GATE_PATIENCE, type TrialProbes } from "./trial-gates.ts";
import type { Before, TrialFile, TrialRecord } from "./trial-record.ts";

const IMAGE = "a".repeat(64) as ImageHash;
const BROKER = { host: "broker.example", port: 8883 };
const HOURS = 60;

interface World {
  ready: boolean;
  up: boolean;
  echoes: boolean;
  outbox: () => Promise<void>;
  open: string[];
  there: boolean;
  backlog: ReturnType<TrialProbes["backlog"]>;
  selfTest: () => Promise<string | null>;
  network: () => Promise<boolean>;
}

const sound = (): World => ({
  ready: true,
  up: true,
  echoes: true,
  outbox: async () => undefined,
  open: ["radio", "sensor scale"],
  there: true,
  backlog: { waiting: 0, oldestAgeMs: null, isDraining: false },
  selfTest: async () => null,
  network: async () => true,
});

const probesOf = (world: World, asked: string[] = []): TrialProbes => ({
  isReady: () => world.ready,
  link: () => ({ isUp: world.up, trouble: world.up ? null : "link to the region: it refuses this hub's certificate" }),
  echo: async () => world.up && world.echoes,
  outbox: () => world.outbox(),
  openTransports: () => world.open.map((name) => ({ name, port: null })),
  isThere: async () => world.there,
  backlog: () => world.backlog,
  selfTest: () => world.selfTest(),
  reaches: (host) => {
    asked.push(host);
    return world.network();
  },
});

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** What the release before left; what it could do is what a sound world can, unless given. */
const bench = (before: Partial<Before> | null = {}) => {
  const clock = createSimulatedClock();
  const world = sound();
  const asked: string[] = [];
  const lines: LogLine[] = [];
  const transports = world.open.map((name) => ({ name, port: null }));
  const all: Before = { isOnline: true, isEchoed: true, isDrained: true, transports, broker: BROKER };
  let record: TrialRecord | null =
    before === null ? null : { image: IMAGE, before: { ...all, ...before }, judged: millis(0), excused: millis(0) };
  let saves = 0;
  const file: TrialFile = {
    load: async () => record,
    save: async (next) => {
      saves += 1;
      record = next;
    },
  };
  /** A start of the release on trial. */
  const start = () => {
    const stop = new AbortController();
    stops.push(stop);
    const logger = createKeepingLogger(lines);
    const elsewhere = { host: "elsewhere.example", port: 1 };
    const trial = createTrial({ image: IMAGE, probes: probesOf(world, asked), file, broker: elsewhere, clock, logger });
    let end: { readonly why: Reason | null } | null = null;
    const proving = trial.prove(stop.signal).then((why) => {
      end = { why };
    });
    proving.catch(() => undefined);
    return {
      proving,
      stop,
      /** `pending`, `proven` or the code of the reason. */
      after: async (span: Millis): Promise<string> => {
        await clock.advance(span);
        return end === null ? "pending" : (end.why?.code ?? "proven");
      },
      sentence: () => end?.why?.sentence,
    };
  };
  return { clock, world, asked, lines, file, start, record: () => record, saves: () => saves };
};

describe("a release on trial", () => {
  it("has proved itself when everything has held for a while, and not before", async () => {
    const run = bench().start();
    expect(await run.after(millis(STEADY_TIME - 1))).toBe("pending");
    expect(await run.after(seconds(6))).toBe("proven");
  });

  it.each<[string, (world: World) => void]>([
    ["no-ready", (world) => Object.assign(world, { ready: false })],
    ["outbox", (world) => Object.assign(world, { outbox: () => Promise.reject(new Error("outbox proof: disk full")) })],
    ["transports", (world) => Object.assign(world, { open: ["radio"] })],
    ["no-broker", (world) => Object.assign(world, { up: false })],
    ["no-echo", (world) => Object.assign(world, { echoes: false })],
    [
      "not-draining",
      (world) => Object.assign(world, { backlog: { waiting: 3, oldestAgeMs: null, isDraining: false } }),
    ],
  ])("is taken back after its time, and not before: %s", async (code, spoil) => {
    const { world, start } = bench();
    spoil(world);
    const run = start();
    expect(await run.after(millis(TRIAL_TIME - 1))).toBe("pending");
    expect(await run.after(seconds(6))).toBe(code);
    expect(run.sentence()).toMatch(/^update: .+ \(.+\); the release before runs again, and the region looks/);
  });

  it("is taken back at once when its self-test fails: another one finds the same", async () => {
    const { world, start } = bench();
    world.selfTest = async () => "there is no driver gatt-blood-pressure";
    const run = start();
    expect(await run.after(millis(0))).toBe("self-test");
    expect(run.sentence()).toContain("there is no driver");
  });

  it("names what weighs most where several things are wrong", async () => {
    const { world, start } = bench();
    Object.assign(world, { up: false, open: [], outbox: () => Promise.reject(new Error("disk full")) });
    expect(await start().after(minutes(11))).toBe("outbox");
  });

  it("may take its time, and has to be steady then", async () => {
    const { world, start } = bench();
    world.up = false;
    const run = start();
    expect(await run.after(minutes(9))).toBe("pending");
    world.up = true;
    await run.after(seconds(20));
    world.up = false;
    await run.after(seconds(5));
    world.up = true;
    expect(await run.after(seconds(25))).toBe("pending");
    expect(await run.after(seconds(20))).toBe("proven");
  });

  it("goes on past its time while everything holds, for as long as it needs to be steady", async () => {
    const { world, start } = bench();
    world.up = false;
    const run = start();
    await run.after(millis(TRIAL_TIME - seconds(10)));
    world.up = true;
    expect(await run.after(seconds(20))).toBe("pending");
    expect(await run.after(seconds(25))).toBe("proven");
  });
});

describe("a gate that fails in a way of its own", () => {
  const wild: [string, () => Promise<never>][] = [
    [
      "throws at once",
      () => {
        throw new Error("not a function");
      },
    ],
    ["rejects", () => Promise.reject(new Error("broken"))],
    ["never answers", () => new Promise(() => undefined)],
  ];
  it.each(wild)("is a failed gate and no crash: it %s", async (_, probe) => {
    const { world, start } = bench();
    world.outbox = probe;
    const run = start();
    expect(await run.after(minutes(9))).toBe("pending");
    expect(await run.after(minutes(2))).toBe("outbox");
  });

  it("is not asked again while it hangs, and holds when it answers again", async () => {
    const { world, start } = bench();
    let asked = 0;
    const answers: (() => void)[] = [];
    world.outbox = () => {
      asked += 1;
      return new Promise((resolve) => answers.push(resolve));
    };
    const run = start();
    await run.after(minutes(5));
    expect(asked).toBe(1);
    world.outbox = async () => undefined;
    for (const answer of answers) answer();
    expect(await run.after(minutes(1))).toBe("proven");
  });

  it("takes its patience at most, also where the self-test hangs", async () => {
    const { world, start } = bench();
    world.selfTest = () => new Promise(() => undefined);
    expect(await start().after(GATE_PATIENCE)).toBe("self-test");
  });
});

describe("a release whose network is gone", () => {
  it("is not blamed for it, and proves itself when it is back", async () => {
    const { world, asked, start } = bench();
    Object.assign(world, { up: false, network: async () => false });
    const run = start();
    expect(await run.after(minutes(23 * HOURS))).toBe("pending");
    Object.assign(world, { up: true, network: async () => true });
    expect(await run.after(minutes(2))).toBe("proven");
    // Where the release before had its link, whatever this one has read in its configuration.
    expect(new Set(asked)).toEqual(new Set([BROKER.host]));
  });

  it("is waited for a day at most", async () => {
    const { world, start } = bench();
    Object.assign(world, { up: false, network: () => Promise.reject(new Error("no route")) });
    const run = start();
    expect(await run.after(millis(LONGEST_EXCUSE - 1))).toBe("pending");
    expect(await run.after(minutes(1))).toBe("out-of-time");
    expect(run.sentence()).toContain("the network was gone for a day");
  });

  it("is blamed for what has nothing to do with the network", async () => {
    const { world, start } = bench();
    Object.assign(world, { up: false, network: async () => false, open: [] });
    expect(await start().after(minutes(11))).toBe("transports");
  });

  it("is blamed as soon as the broker can be reached and the link still does not come", async () => {
    const { world, start } = bench();
    Object.assign(world, { up: false, network: async () => false });
    const run = start();
    await run.after(minutes(5 * HOURS));
    world.network = async () => true;
    expect(await run.after(minutes(9))).toBe("pending");
    expect(await run.after(minutes(2))).toBe("no-broker");
    expect(run.sentence()).toContain("it refuses this hub's certificate");
  });

  it("is excused where nobody can tell whether it can be reached", async () => {
    const { world, start } = bench();
    Object.assign(world, { up: false, network: () => new Promise(() => undefined) });
    expect(await start().after(minutes(12 * HOURS))).toBe("pending");
  });
});

describe("the time of a trial", () => {
  it("goes on over restarts, and without power it stands still", async () => {
    const { clock, world, start } = bench();
    world.up = false;
    const first = start();
    await first.after(minutes(6));
    first.stop.abort(new Error("cut"));
    await expect(first.proving).rejects.toThrow("cut");
    await clock.advance(minutes(48 * HOURS));
    const second = start();
    expect(await second.after(minutes(3))).toBe("pending");
    expect(await second.after(minutes(2))).toBe("no-broker");
  });

  it("of a network that is gone is one day over all starts", async () => {
    const { world, start } = bench();
    Object.assign(world, { up: false, network: async () => false });
    const first = start();
    await first.after(minutes(20 * HOURS));
    first.stop.abort();
    const second = start();
    expect(await second.after(minutes(4 * HOURS - 1))).toBe("pending");
    expect(await second.after(minutes(3))).toBe("out-of-time");
  });

  it("does not depend on the date", async () => {
    const { clock, world, start } = bench();
    world.up = false;
    const run = start();
    await run.after(minutes(5));
    clock.setWallClock(epochMs(0));
    await run.after(minutes(1));
    clock.setWallClock(epochMs(Date.UTC(2099, 0, 1)));
    expect(await run.after(minutes(3))).toBe("pending");
    expect(await run.after(minutes(2))).toBe("no-broker");
  });

  it("is noted once a minute, and counted also where the disk does not take it", async () => {
    const { world, file, lines, start, saves, record } = bench();
    world.up = false;
    const run = start();
    await run.after(minutes(5));
    expect(saves()).toBeGreaterThanOrEqual(4);
    expect(saves()).toBeLessThanOrEqual(6);
    expect(record()?.judged).toBeGreaterThan(minutes(3.5));
    file.save = () => Promise.reject(new Error("disk full"));
    expect(await run.after(minutes(6))).toBe("no-broker");
    expect(lines).toContainEqual(expect.objectContaining({ level: "warn", fields: { reason: "disk full" } }));
  });
});

describe("what a release is asked for is what the one before could do", () => {
  it("no broker where there was none: somebody brought it on a stick", async () => {
    const { world, start } = bench({ isOnline: false, broker: null });
    world.up = false;
    expect(await start().after(minutes(1))).toBe("proven");
  });

  it("no echo where the broker's rules allow none", async () => {
    const { world, start } = bench({ isEchoed: false });
    world.echoes = false;
    expect(await start().after(minutes(1))).toBe("proven");
  });

  it("no draining where the region took nothing before", async () => {
    const { world, start } = bench({ isDrained: false });
    world.backlog = { waiting: 500, oldestAgeMs: null, isDraining: false };
    expect(await start().after(minutes(1))).toBe("proven");
  });

  it("no transport that was not open before, and none that was pulled out meanwhile", async () => {
    const { world, start } = bench();
    Object.assign(world, { open: ["radio"], there: false });
    expect(await start().after(minutes(1))).toBe("proven");
  });

  it("a link, a sound outbox and a self-test where nothing is known of it", async () => {
    const { world, start } = bench(null);
    Object.assign(world, { open: [], echoes: false });
    expect(await start().after(minutes(1))).toBe("proven");
    world.up = false;
    expect(await start().after(minutes(11))).toBe("no-broker");
  });

  it("is noted right before it gives way", async () => {
    const { clock, world, file, record } = bench(null);
    Object.assign(world, { echoes: false, backlog: { waiting: 9, oldestAgeMs: null, isDraining: false } });
    const note = { probes: probesOf(world), file, broker: BROKER, clock };
    await noteBefore(note, IMAGE, new AbortController().signal);
    const transports = [
      { name: "radio", port: null },
      { name: "sensor scale", port: null },
    ];
    expect(record()).toEqual({
      image: IMAGE,
      before: { isOnline: true, isEchoed: false, isDrained: false, transports, broker: BROKER },
      judged: 0,
      excused: 0,
    });
    world.up = false;
    await noteBefore(note, IMAGE, new AbortController().signal);
    expect(record()?.before).toMatchObject({ isOnline: false, broker: null });
  });
});
