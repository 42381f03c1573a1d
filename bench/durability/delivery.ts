import type { SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { startHub } from "../../tests/forward/support/hub-under-test.ts";

/** Simulated time between two looks at a disk that is real. */
const STEP = millis(50);
/** Two minutes of a link that is well: forty times what a reconnect and a batch take. */
const MOST_STEPS = 2400;

/** Let simulated time pass, and what the disk was asked for meanwhile be done: a read waits for all calls before it. */
export const pass = async (clock: SimulatedClock, outbox: Outbox, span: Millis): Promise<void> => {
  for (let left: number = span; left > 0; left -= STEP) {
    await clock.advance(millis(Math.min(STEP, left)));
    await outbox.next(0, 1);
  }
};

/** Bring all that waits to the region over a broker that is well. False where readings still wait after that. */
export const deliver = async (clock: SimulatedClock, broker: MemoryBroker, outbox: Outbox): Promise<boolean> => {
  if (outbox.depth().waiting === 0) return true;
  await using hub = startHub({ clock, broker, outbox: () => outbox });
  hub.forwarder.wake();
  for (let step = 0; step < MOST_STEPS && outbox.depth().waiting > 0; step += 1) await pass(clock, outbox, STEP);
  return outbox.depth().waiting === 0;
};
