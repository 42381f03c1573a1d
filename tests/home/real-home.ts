import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createHome, type Home, type HomeOptions } from "../../hardware-sim/home/home.ts";
import type { HomeEvent } from "../../hardware-sim/home/home-event.ts";
import { scenarioNamed } from "../../hardware-sim/home/scenario.ts";
import { millis } from "../../protocol/time.ts";
import { until } from "../support/until.ts";

/** Events that the error of a wait in vain tells. */
const MOST_TOLD = 80;

const HUB = path.resolve(import.meta.dirname, "../../gateway/main.ts");

/** A home around the real hub, with everything that happened in it. */
export interface RealHome extends AsyncDisposable {
  readonly home: Home;
  readonly events: readonly HomeEvent[];
  /** How many events of a kind there were. */
  count(kind: HomeEvent["event"]): number;
  /** Resolves when one more event of the kind has happened than at the call. */
  nextOf(kind: HomeEvent["event"]): Promise<void>;
}

/** Start the real hub in a still home: sensors are used by the test. */
export const openRealHome = async (over: Partial<HomeOptions> = {}): Promise<RealHome> => {
  const folder = await mkdtemp(path.join(tmpdir(), "hemhub-e2e-"));
  const events: HomeEvent[] = [];
  const home = await createHome({
    seed: 1,
    scenario: scenarioNamed("still"),
    folder,
    hub: [process.execPath, HUB],
    observe: (event) => events.push(event),
    restartAfter: millis(20),
    ...over,
  });
  const dispose = async (): Promise<void> => {
    await home[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await home.start(AbortSignal.timeout(30_000));
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
  const count = (kind: HomeEvent["event"]): number => events.filter(({ event }) => event === kind).length;
  return {
    home,
    events,
    count,
    nextOf: async (kind) => {
      const before = count(kind);
      try {
        await until(() => count(kind) > before, `the next event "${kind}"`, 40_000);
      } catch (thrown) {
        const story = events.slice(-MOST_TOLD).map((event) => JSON.stringify(event));
        throw new Error([String(thrown), "what happened last:", ...story].join("\n"));
      }
    },
    [Symbol.asyncDispose]: dispose,
  };
};

/** What every run must show, whatever was done to it. */
export const NOTHING_LOST = {
  lost: 0,
  altered: 0,
  unexplained: 0,
  duplicatesInEffect: 0,
  gaps: 0,
  refused: 0,
  numberingRestarts: 0,
  drained: true,
  hubExitCode: 0,
  problems: [],
};
