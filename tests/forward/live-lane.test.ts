import { afterEach, beforeEach, expect, it } from "vitest";
import { MOST_BATCH_BYTES, MOST_IN_FLIGHT } from "../../gateway/forward/pace.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryOutboxDisk } from "../../hardware-sim/ports/memory-outbox.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import { millis } from "../../protocol/time.ts";
import { createRegion, fill, type HubUnderTest, READING, seqsIn, startHub } from "./support/hub-under-test.ts";

const BACKLOG = 1500;

let clock: SimulatedClock;
let broker: MemoryBroker;
let region: RegionReceiver;
let hub: HubUnderTest;

beforeEach(async () => {
  clock = createSimulatedClock();
  ({ broker, region } = createRegion(clock));
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await region[Symbol.asyncDispose]();
});

/** Messages that were delivered between a live reading's commit and its own delivery, for several in one drain. */
const messagesBefore = async (lives: number): Promise<{ readonly count: number; readonly bytes: number }[]> => {
  const disk = createMemoryOutboxDisk();
  await fill(disk, BACKLOG);
  const ahead: { count: number; bytes: number }[] = [];
  let measuring = false;
  let committed = 0;
  let before = { count: 0, bytes: 0 };
  broker.configure({
    onDelivered: (message) => {
      region.receive(message.topic, message.payload);
      if (message.topic !== READING) return;
      if (seqsIn(message).some((seq) => seq === BACKLOG + committed) && measuring) {
        ahead.push(before);
        measuring = false;
      } else if (measuring) {
        before = { count: before.count + 1, bytes: before.bytes + message.payload.length };
      } else if (committed < lives) {
        measuring = true;
        committed += 1;
        before = { count: 0, bytes: 0 };
        void hub.measure();
      }
    },
  });
  hub = startHub({ clock, broker, disk });
  for (let i = 0; i < 300 && hub.outbox.depth().waiting > 0; i += 1) await clock.advance(millis(100));
  return ahead;
};

it("has no more before a live reading than the messages under way, however much waits", async () => {
  const ahead = await messagesBefore(8);
  expect(ahead).toHaveLength(8);
  // What is in flight, and one message that was being cut when it came.
  for (const { count, bytes } of ahead) {
    expect(count).toBeLessThanOrEqual(MOST_IN_FLIGHT + 1);
    expect(bytes).toBeLessThanOrEqual((MOST_IN_FLIGHT + 1) * MOST_BATCH_BYTES);
  }
  expect(hub.outbox.depth().waiting).toBe(0);
  expect(region.counts()).toMatchObject({ accepted: BACKLOG + 8, gaps: 0, duplicatesInEffect: 0 });
});
