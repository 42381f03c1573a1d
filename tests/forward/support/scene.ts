import { afterEach, beforeEach } from "vitest";
import type { LinkStatus } from "../../../gateway/forward/forwarder.ts";
import type { Behaviour } from "../../../hardware-sim/broker/behaviour.ts";
import { createSimulatedClock, type SimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryOutboxDisk } from "../../../hardware-sim/ports/memory-outbox.ts";
import { type Millis, millis, seconds } from "../../../protocol/time.ts";
import { until } from "../../support/until.ts";
import { fill, type HubUnderTest, type HubUnderTestOptions, startHub } from "./hub-under-test.ts";
import { type Misbehaving, misbehaving } from "./tls-broker.ts";

export interface Scene extends Misbehaving {
  readonly hub: HubUnderTest;
  status(): LinkStatus;
  allReceipted(): Promise<void>;
}

export interface Stage {
  readonly clock: SimulatedClock;
  /** A hub with `waiting` readings in front of a broker that misbehaves, over real TLS. */
  scene(behaviour: Behaviour, waiting?: number, options?: HubUnderTestOptions): Promise<Scene>;
  /** Let simulated time pass in steps until the condition holds; each step gives real packets a chance to travel. */
  passing(condition: () => boolean, what: string, step?: Millis): Promise<void>;
  /** Close it at the end of the test. */
  use(resource: AsyncDisposable): void;
}

/** One clock, and what stands on it, for each test of the file that calls this. */
export const createStage = (): Stage => {
  let clock: SimulatedClock = createSimulatedClock();
  let open: AsyncDisposable[] = [];

  beforeEach(() => {
    clock = createSimulatedClock();
    open = [];
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });

  const passing = async (condition: () => boolean, what: string, step: Millis = seconds(1)): Promise<void> => {
    await until(async () => {
      await clock.advance(step);
      return condition();
    }, what);
  };
  return {
    get clock() {
      return clock;
    },
    scene: async (behaviour, waiting = 1, options = {}) => {
      const one = await misbehaving(behaviour, clock);
      open.push(one);
      const disk = createMemoryOutboxDisk();
      await fill(disk, waiting);
      const hub = startHub({ ...options, clock, disk, connector: one.connector });
      // Between steps of simulated time real packets travel: time goes on in small steps until the end is seen.
      open.push(hub);
      return {
        ...one,
        hub,
        status: () => hub.forwarder.status(),
        allReceipted: () => passing(() => hub.outbox.depth().waiting === 0, "every reading is receipted", millis(250)),
      };
    },
    passing,
    use: (resource) => {
      open.push(resource);
    },
  };
};
