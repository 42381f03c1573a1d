import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { DdiTls } from "../../ota/hawkbit/ddi-client.ts";
import { createHawkbit, type Hawkbit, type HawkbitConfig } from "../../ota/hawkbit/hawkbit.ts";
import { advance, type UpdateEvent } from "../../ota/update/advance.ts";
import { NOTHING_UPDATED, type UpdateMemory, type WantedRelease } from "../../ota/update/update-state.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import type { HawkbitServer } from "./hawkbit-server.ts";

/** The client's own limit for one exchange: real servers answer in real time, so that it does not pass by simulated time. */
const DEADLINE_MS = 30_000;

/** The updates that a client works for. */
export interface Served {
  want(wanted: WantedRelease | null): Promise<void>;
  memory(): UpdateMemory | null;
}

export interface HawkbitRun {
  readonly hawkbit: Hawkbit;
  readonly clock: SimulatedClock;
  readonly lines: readonly LogLine[];
  /** Let it wait no longer, and give back when it has polled (or tried to) and waits again. */
  nextPoll(after?: Millis): Promise<void>;
  /** Until it waits. */
  rests(): Promise<void>;
  end(): Promise<void>;
}

export interface HawkbitRunOptions {
  readonly url: string;
  readonly place: string;
  readonly updates: Served;
  readonly config?: Partial<HawkbitConfig>;
  readonly tls?: DdiTls;
}

/** A client that waits by a clock which the test advances, and talks to the server in real time. */
export const runHawkbit = ({ url, place, updates, config = {}, tls = {} }: HawkbitRunOptions): HawkbitRun => {
  const clock = createSimulatedClock();
  const lines: LogLine[] = [];
  const stop = new AbortController();
  let exchanges = 0;
  let waits = 0;
  let waited = 0;
  const hawkbit = createHawkbit({
    config: { url, tenant: "DEFAULT", controllerId: "hub-0001", tokenFile: join(place, "token"), ...config },
    clock: {
      now: clock.now,
      elapsed: clock.elapsed,
      sleep: async (delay, signal) => {
        const isExchange = delay === DEADLINE_MS;
        if (isExchange) exchanges += 1;
        else waits += 1;
        try {
          await clock.sleep(isExchange ? millis(1e12) : delay, signal);
        } finally {
          if (isExchange) exchanges -= 1;
          else {
            waits -= 1;
            waited += 1;
          }
        }
      },
    },
    // Not 0: a pause after a failure is then not of the length of the deadline.
    random: () => 0.5,
    logger: createKeepingLogger(lines),
    files: createDiskFiles(),
    file: join(place, "hawkbit.json"),
    tls: async () => tls,
    want: updates.want,
    memory: updates.memory,
    attributes: () => ({ "hemhub.hardware": "generic", "hemhub.arch": process.arch, "hemhub.version": "1.2.3" }),
  });
  const running = hawkbit.run(stop.signal);
  const rests = async (): Promise<void> => {
    await until(() => waits > 0 && exchanges === 0, "the client of hawkBit waits");
  };
  return {
    hawkbit,
    clock,
    lines,
    rests,
    nextPoll: async (after = millis(86_400_000)) => {
      await rests();
      const before = waited;
      const end = clock.elapsed() + after;
      // Step by step: what wakes up talks to the server in real time.
      while (clock.elapsed() < end && waited === before)
        await clock.advance(millis(Math.min(1000, end - clock.elapsed())));
      await rests();
    },
    end: async () => {
      stop.abort();
      await running;
    },
  };
};

/** Updates whose states a test sets: what the pure machine makes of events, without a disk or a release. */
export interface PlayedUpdates extends Served {
  readonly wishes: readonly (WantedRelease | null)[];
  play(...events: readonly UpdateEvent[]): void;
}

export const playedUpdates = (): PlayedUpdates => {
  let memory = NOTHING_UPDATED;
  const wishes: (WantedRelease | null)[] = [];
  const play = (...events: readonly UpdateEvent[]): void => {
    for (const event of events) memory = advance(memory, event, null);
  };
  return {
    wishes,
    play,
    want: async (wanted) => {
      wishes.push(wanted);
      play({ tag: "wanted", wanted });
    },
    memory: () => memory,
  };
};

/** A folder with the token that the server of these tests expects. */
export const createHawkbitPlace = async (): Promise<AsyncDisposable & { readonly path: string }> => {
  const path = await mkdtemp(join(tmpdir(), "hemhub-hawkbit-"));
  await createDiskFiles().replace(join(path, "token"), Buffer.from("TargetToken secret-of-hub-0001\n"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** How often the device's own resource was asked for. */
export const pollsOf = ({ asked }: HawkbitServer): number =>
  asked.filter(({ method, path }) => method === "GET" && path.endsWith("/hub-0001")).length;
