import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEpochGate } from "../../gateway/assignment/epoch-gate.ts";
import { handedOver, type Ledger, metWith, released } from "../../gateway/assignment/ledger.ts";
import { openGate } from "../../gateway/forward/time-gate.ts";
import type { SqliteOutbox } from "../../gateway/store/outbox.ts";
import { createMemoryBroker, type MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import { createRegionReceiver, type RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import type { Backlog } from "../../protocol/command.ts";
import { assignmentId } from "../../protocol/ids.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { startHub } from "../forward/support/hub-under-test.ts";
import { createScratchOutbox, type ScratchOutbox } from "../store/scratch-outbox.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { until } from "../support/until.ts";

const [ANNA, BERIT, CARL] = ["anna", "berit", "carl"].map(assignmentId) as [
  ReturnType<typeof assignmentId>,
  ReturnType<typeof assignmentId>,
  ReturnType<typeof assignmentId>,
];
let scratch: ScratchOutbox;
let outbox: SqliteOutbox;
let ledger: Ledger;
let region: RegionReceiver;
let broker: MemoryBroker;
let taken = 0;

beforeEach(async () => {
  scratch = await createScratchOutbox();
  outbox = await scratch.open();
  ledger = metWith(null, { hub: ANNA, sensors: [] }, { series: outbox.series, next: 1, utcMs: null });
  region = createRegionReceiver({ clock: scratch.clock });
  broker = createMemoryBroker({ onDelivered: ({ topic, payload }) => region.receive(topic, payload) });
});
afterEach(async () => {
  await region[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const take = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) {
    taken += 1;
    await outbox.append([{ ...sampleReading(taken), assignment: ledger.hub.inForce }]);
  }
};
const handOver = (from: typeof ANNA, to: typeof ANNA, backlog: Backlog): void => {
  const at = { series: outbox.series, next: (outbox.depth().newest ?? 0) + 1, utcMs: 1 };
  ledger = handedOver(ledger, { from, to, backlog, command: `${from}-${to}` }, at);
};
const answer = (): Disposable => region.attach(async (topic, payload) => broker.send(topic, payload));
const arrived = (): readonly number[] =>
  region
    .accepted()
    .map(({ reading }) => reading.seq as number)
    .toSorted((a, b) => a - b);
const delivered: number[] = [];

const start = () => {
  const gate = createEpochGate({
    time: openGate,
    ledger: () => ledger,
    outbox,
    quarantined: () => hub.forwarder.quarantined(),
    onDelivered: ({ number }) => delivered.push(number),
  });
  const hub = startHub({ clock: scratch.clock, broker, region, outbox: () => outbox, gate });
  return { hub, gate };
};
/** The region waits a while before it takes the sealed numbers for missing. */
const untilInTime = (condition: () => boolean, what: string): Promise<unknown> =>
  until(async () => {
    await scratch.clock.advance(seconds(5));
    return condition();
  }, what);
const numbers = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("F53: a hub that is handed over with readings waiting", () => {
  it("deliver: sends the former ones and nothing else until the region has accounted for them", async () => {
    await take(3);
    handOver(ANNA, BERIT, "deliver");
    await take(2);
    const { hub, gate } = start();
    await using _hub = hub;
    await until(() => arrived().length === 3, "the former ones arrive");
    await hub.settle();
    expect([arrived(), gate.waitingBefore(ledger.epochs[1] as never)]).toEqual([[1, 2, 3], 3]);
    using _answers = answer();
    // Sent again for want of a receipt, and answered now.
    await scratch.clock.advance(minutes(2));
    await until(() => arrived().length === 5, "the others follow");
    expect(region.accepted().map(({ reading }) => reading.assignment)).toEqual([ANNA, ANNA, ANNA, BERIT, BERIT]);
    expect(delivered.splice(0)).toEqual([2]);
  });

  it("seal: keeps the former ones, sends the new, and the former when the region asks", async () => {
    using _answers = answer();
    await take(3);
    handOver(ANNA, BERIT, "seal");
    await take(2);
    const { hub, gate } = start();
    await using _hub = hub;
    await untilInTime(() => outbox.depth().waiting === 3, "the new ones are settled");
    await scratch.clock.advance(minutes(5));
    await hub.settle();
    expect(arrived()).toEqual([4, 5]);
    expect(gate.waitingBefore(ledger.epochs[1] as never)).toBe(3);
    ledger = released(ledger, 2) ?? ledger;
    hub.forwarder.wake();
    await untilInTime(() => outbox.depth().waiting === 0, "the former ones are settled");
    expect(arrived()).toEqual(numbers(1, 5));
  });

  it("what is sealed does not keep a later hand-over waiting, and each seal is its own", async () => {
    using _answers = answer();
    await take(2);
    handOver(ANNA, BERIT, "seal");
    await take(2);
    handOver(BERIT, CARL, "deliver");
    await take(2);
    const { hub } = start();
    await using _hub = hub;
    await untilInTime(() => outbox.depth().waiting === 2, "all but the sealed ones are settled");
    expect(arrived()).toEqual([3, 4, 5, 6]);
    expect(outbox.depth().oldest).toBe(1);
  });

  it("a reading that no broker takes keeps nobody waiting", async () => {
    using _answers = answer();
    await take(1);
    handOver(ANNA, BERIT, "deliver");
    await take(1);
    const quarantined = [{ seq: 1 as never }];
    const gate = createEpochGate({
      time: openGate,
      ledger: () => ledger,
      outbox,
      quarantined: () => quarantined,
      onDelivered: () => undefined,
    });
    expect(gate.isHeld(2 as never)).toBe(false);
    quarantined.length = 0;
    gate.freed();
    expect(gate.isHeld(2 as never)).toBe(true);
  });

  it("numbers of another series are other readings", async () => {
    await take(1);
    ledger = handedOver(
      ledger,
      { from: ANNA, to: BERIT, backlog: "seal", command: "c" },
      { series: "another", next: 9, utcMs: 1 },
    );
    const { hub, gate } = start();
    await using _hub = hub;
    expect(gate.isHeld(1 as never)).toBe(false);
  });
});
