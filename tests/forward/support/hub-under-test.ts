import { createForwarder, type Forwarder } from "../../../gateway/forward/forwarder.ts";
import type { TimeGate } from "../../../gateway/forward/time-gate.ts";
import type { SimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import {
  createMemoryOutbox,
  createMemoryOutboxDisk,
  type MemoryOutboxDisk,
} from "../../../hardware-sim/ports/memory-outbox.ts";
import {
  createMemoryBroker,
  type MemoryBroker,
  type MemoryBrokerOptions,
} from "../../../hardware-sim/ports/memory-region-link.ts";
import { createRegionReceiver, type RegionReceiver } from "../../../hardware-sim/region/receiver.ts";
import { hubId, type Seq } from "../../../protocol/ids.ts";
import { encodeMessage, type HubEvent, type HubState } from "../../../protocol/messages.ts";
import type { Outbox } from "../../../protocol/ports/outbox.ts";
import type { OutboundMessage, RegionConnector } from "../../../protocol/ports/region-link.ts";
import type { DraftReading, Reading } from "../../../protocol/reading.ts";
import { isoUtc, millis } from "../../../protocol/time.ts";
import { topicOf } from "../../../protocol/topics.ts";
import { sampleReading } from "../../support/sample-reading.ts";
import { createKeepingLogger, type LogLine } from "../../support/test-loggers.ts";

export const HUB = hubId("hub-0042");
export const READING = topicOf(HUB, "reading");
export const RECEIPT = topicOf(HUB, "receipt");
export const DESIRED = topicOf(HUB, "desired");
export const STATE = topicOf(HUB, "state");
export const EVENT = topicOf(HUB, "event");

export interface HubUnderTestOptions {
  readonly disk?: MemoryOutboxDisk;
  readonly broker?: MemoryBroker;
  readonly region?: RegionReceiver;
  readonly clock?: SimulatedClock;
  readonly receipts?: boolean;
  readonly random?: () => number;
  readonly outbox?: (inner: Outbox) => Outbox;
  readonly connector?: RegionConnector;
  readonly gate?: TimeGate;
}

export interface HubUnderTest extends AsyncDisposable {
  readonly forwarder: Forwarder;
  readonly outbox: Outbox;
  readonly lines: readonly LogLine[];
  /** Measure: commit `count` new readings and wake the forwarder. Returns their numbers. */
  measure(count?: number): Promise<readonly Seq[]>;
  /** Let a few rounds of messages pass without time passing. */
  settle(): Promise<void>;
  /** Stop in order; resolves when the forwarder has ended. */
  stop(): Promise<void>;
  readonly stopping: AbortController;
  readonly running: Promise<void>;
}

export const stateOf = (outbox: Outbox, clock: SimulatedClock): HubState => {
  const { waiting, refused, oldest } = outbox.depth();
  return {
    schema: "state/1",
    hubId: HUB,
    online: true,
    at: isoUtc(clock.now()),
    bootId: "boot-simulated",
    versions: { hub: "0.1.0", node: "24" },
    clock: { state: "ntp", errorMs: 20 },
    backlog: { waiting, refused, oldestSeq: oldest },
    certificate: null,
    health: null,
  };
};

/** A region that answers over a memory broker, on the same simulated clock. */
export const createRegion = (
  clock: SimulatedClock,
  options: MemoryBrokerOptions = {},
): { readonly broker: MemoryBroker; readonly region: RegionReceiver } => {
  const region = createRegionReceiver({ clock });
  const broker = createMemoryBroker({
    ...options,
    onDelivered: ({ topic, payload }) => region.receive(topic, payload),
  });
  region.attach(async (topic, payload) => broker.send(topic, payload));
  return { broker, region };
};

let lastMeasurement = 0;

const measurements = (count: number): readonly DraftReading[] =>
  Array.from({ length: count }, () => {
    lastMeasurement += 1;
    return sampleReading(lastMeasurement);
  });

/** Put `count` new readings on a disk before a hub is started on it. */
export const fill = async (disk: MemoryOutboxDisk, count: number): Promise<void> => {
  await using outbox = createMemoryOutbox(disk);
  await outbox.append(measurements(count));
};

export const startHub = (options: HubUnderTestOptions & { readonly clock: SimulatedClock }): HubUnderTest => {
  const { clock } = options;
  const inner = createMemoryOutbox(options.disk ?? createMemoryOutboxDisk());
  const outbox = options.outbox?.(inner) ?? inner;
  const lines: LogLine[] = [];
  const will = (): OutboundMessage => ({
    topic: STATE,
    payload: encodeMessage({ ...stateOf(outbox, clock), online: false }),
    retain: true,
  });
  const broker = options.broker ?? createMemoryBroker();
  const connector = options.connector ?? broker.connector({ will, subscriptions: [RECEIPT] });
  const forwarder = createForwarder({
    outbox,
    connector,
    hub: HUB,
    clock,
    time: clock,
    logger: createKeepingLogger(lines),
    stateOf: () => stateOf(outbox, clock),
    receipts: options.receipts ?? true,
    random: options.random ?? (() => 0.5),
    ...(options.gate === undefined ? {} : { gate: options.gate }),
  });
  const stopping = new AbortController();
  const running = forwarder.run(stopping.signal);
  // `stop` and the dispose wait for it; a failure in between must not end the process before the test has told.
  running.catch(() => undefined);

  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await clock.advance(millis(0));
  };
  const stop = async (): Promise<void> => {
    stopping.abort(new Error("the hub stops"));
    for (let i = 0; i < 10; i++) {
      const ended = await Promise.race([running.then(() => true), settle().then(() => false)]);
      if (ended) return;
      await clock.advance(millis(1000));
    }
    await running;
  };
  return {
    forwarder,
    outbox,
    lines,
    stopping,
    running,
    settle,
    stop,
    measure: async (count = 1) => {
      const appended = await inner.append(measurements(count));
      forwarder.wake();
      return appended.map(({ seq }) => seq);
    },
    [Symbol.asyncDispose]: stop,
  };
};

const parsed = <T>(message: OutboundMessage): T => JSON.parse(new TextDecoder().decode(message.payload)) as T;

/** Numbers of the readings in one message. */
export const seqsIn = (message: OutboundMessage): number[] =>
  message.topic === READING ? parsed<{ batch: Reading[] }>(message).batch.map(({ seq }) => seq) : [];

/** Numbers of the readings that the broker delivered, in the order of their arrival. */
export const deliveredSeqs = (broker: MemoryBroker): number[] => broker.delivered.flatMap(seqsIn);

export const statesOf = (broker: MemoryBroker): readonly HubState[] =>
  broker.delivered.filter(({ topic }) => topic === STATE).map((message) => parsed<HubState>(message));

export const eventsOf = (broker: MemoryBroker): readonly HubEvent[] =>
  broker.delivered.filter(({ topic }) => topic === EVENT).map((message) => parsed<HubEvent>(message));
