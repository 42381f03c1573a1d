import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createForwarder, type Forwarder } from "../../gateway/forward/forwarder.ts";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import { createRegionReceiver, type ReceiverFaults } from "../../hardware-sim/region/receiver.ts";
import type { Idem, Seq } from "../../protocol/ids.ts";
import { encodeMessage, type Receipt } from "../../protocol/messages.ts";
import type { OutboundMessage, PublishOutcome } from "../../protocol/ports/region-link.ts";
import type { Reading } from "../../protocol/reading.ts";
import { millis, minutes } from "../../protocol/time.ts";
import { HUB, READING, RECEIPT, stateOf } from "../forward/support/hub-under-test.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import type { Happening } from "./happenings.ts";
import { createWatch } from "./watched.ts";

/** What is true at the end of it all. Every list is of idem, sorted. */
export interface WholeWay {
  /** What was acknowledged as durable. */
  readonly taken: readonly Idem[];
  /** What took effect at the region, once for each time. */
  readonly effects: readonly Idem[];
  /** What the region does not want, as the hub keeps it. */
  readonly refused: readonly Idem[];
  readonly waiting: number;
  readonly gaps: number;
  readonly numberingRestarts: number;
}

const FAULTS: Readonly<Record<"silent" | "lossy" | "slow" | "none", ReceiverFaults>> = {
  silent: { silent: true },
  lossy: { loseReceipts: 0.5 },
  slow: { delayReceipts: millis(2500) },
  none: {},
};

/** The region does not want a reading whose idem ends so: one of sixteen. */
export const isUnwanted = (idem: Idem): boolean => idem.endsWith("0");
const refuse = ({ idem }: Reading): string | null => (isUnwanted(idem) ? "of no use here" : null);

const accepted: PublishOutcome = { tag: "accepted" };
type Reaction = PublishOutcome | "hold" | "cut";
const onReadings =
  (reaction: Reaction) =>
  ({ topic }: OutboundMessage): Reaction =>
    topic === READING ? reaction : accepted;

interface RunningHub {
  readonly opened: SqliteOutbox;
  readonly outbox: SqliteOutbox;
  readonly forwarder: Forwarder;
  stop(): Promise<void>;
}

/**
 * Let everything happen in this order to the real outbox on a real disk and the real forwarder, with a modelled broker
 * and region; then all is well again, and it goes on until nothing waits.
 */
export const liveTheWholeWay = async (happenings: readonly Happening[]): Promise<WholeWay> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-way-"));
  const watch = createWatch();
  const clock = createSimulatedClock({ atRest: watch.atRest });
  await using region = createRegionReceiver({ clock, faults: { refuse } });
  const receipts: Uint8Array[] = [];
  const messages: OutboundMessage[] = [];
  const deliver = (message: OutboundMessage): void => {
    if (message.topic === READING) messages.push(message);
    region.receive(message.topic, message.payload);
  };
  const broker = createMemoryBroker({ onDelivered: deliver });
  region.attach(async (topic, payload) => {
    receipts.push(payload);
    broker.send(topic, payload);
  });
  let directory = join(folder, "0");

  const start = async (): Promise<RunningHub> => {
    const opened = await openSqliteOutbox({ directory, clock, logger: silentLogger });
    const outbox = watch.over(opened);
    const forwarder = createForwarder({
      outbox,
      connector: broker.connector({ subscriptions: [RECEIPT] }),
      hub: HUB,
      clock,
      time: clock,
      logger: silentLogger,
      stateOf: () => stateOf(opened, clock),
      receipts: true,
      random: () => 0.5,
    });
    const stopping = new AbortController();
    const running = forwarder.run(stopping.signal);
    return {
      opened,
      outbox,
      forwarder,
      stop: async () => {
        stopping.abort(new Error("the hub stops"));
        await Promise.all([running, clock.advance(minutes(1))]);
        await opened[Symbol.asyncDispose]();
      },
    };
  };

  let hub = await start();
  const taken = new Set<Idem>();
  let measured = 0;
  const pick = <T>(list: readonly T[], at: number): T | undefined => list[Math.floor(at * list.length)];
  const say = (receipt: Receipt): void => broker.send(RECEIPT, encodeMessage(receipt));

  const append = async (count: number, again: number): Promise<void> => {
    const fresh = Array.from({ length: count }, (_, i) => sampleReading(measured + 1 + i));
    const old = Array.from({ length: Math.min(again, measured) }, (_, i) => sampleReading(measured - i));
    measured += count;
    const readings = [...fresh, ...old];
    await hub.outbox.append(readings);
    for (const { idem } of readings) taken.add(idem);
    hub.forwarder.wake();
  };

  const happen = async (one: Happening): Promise<void> => {
    const { newest } = hub.opened.depth();
    const series = hub.opened.series;
    switch (one.tag) {
      case "append":
        return await append(one.count, one.again);
      case "time":
        return await clock.advance(millis(one.span));
      case "cut":
        return broker.cut();
      case "hold-pubacks":
        return broker.configure({ onPublish: onReadings("hold") });
      case "answer-in-reverse":
        for (const held of broker.held.toReversed()) held.answer(accepted);
        return;
      case "lose-pubacks":
        return broker.configure({
          onPublish: (message) => {
            if (message.topic !== READING) return accepted;
            deliver(message);
            return "cut";
          },
        });
      case "drop-on-the-way":
        return broker.configure({ onPublish: () => accepted, onDelivered: () => undefined });
      case "deliver-twice":
        return broker.configure({
          onPublish: () => accepted,
          onDelivered: (message) => {
            deliver(message);
            deliver(message);
          },
        });
      case "deliver-old": {
        const old = pick(messages, one.which);
        return old === undefined ? undefined : region.receive(old.topic, old.payload);
      }
      case "broker-refuses":
        return broker.configure({
          onPublish: onReadings({ tag: "refused", reasonCode: 0x80, reason: "refused", scope: one.scope }),
        });
      case "no-subscriber":
        return broker.configure({ onPublish: onReadings({ tag: "no-subscriber" }) });
      case "well-again":
        region.setFaults({ refuse });
        return broker.configure({ onPublish: () => accepted, onDelivered: deliver });
      case "receipts":
        return region.setFaults({ refuse, ...FAULTS[one.faults] });
      case "stale-receipt": {
        const old = pick(receipts, one.which);
        return old === undefined ? undefined : broker.send(RECEIPT, old);
      }
      case "partial-receipt": {
        // True, and less than the region knows: up to a number below its first gap and its first refusal.
        const through = region.hub(HUB)?.through ?? 0;
        const unwanted = region.hub(HUB)?.refused ?? 0;
        const to = unwanted === 0 ? Math.floor(through * one.share) : 0;
        return say({ series, through: to as Seq | 0, refused: [], missing: [] });
      }
      case "receipt-of-another-series":
        return say({ series: "0123456789ab", through: (newest ?? 0) as Seq | 0, refused: [], missing: [] });
      case "receipt-of-the-future":
        return say({ series, through: ((newest ?? 0) + 1) as Seq, refused: [], missing: [] });
      case "broken-receipt":
        return broker.send(RECEIPT, one.bytes);
      case "restart":
        await hub.stop();
        hub = await start();
        return;
      case "kill": {
        // The files as a process leaves them that is killed now; what the old one still does to its own is lost.
        const copy = `${directory}-`;
        await cp(directory, copy, { recursive: true });
        await hub.stop();
        directory = copy;
        hub = await start();
        return;
      }
    }
  };

  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await clock.advance(millis(0));
  };
  try {
    for (const one of happenings) {
      await happen(one);
      await settle();
    }
    // What was set aside by itself is tried again by the next process.
    for (const one of ["well-again", "restart"] as const) await happen({ tag: one });
    broker.cut();
    for (let i = 0; i < 90 && hub.opened.depth().waiting > 0; i++) await clock.advance(minutes(1));
    const { refused, waiting } = hub.opened.depth();
    const kept = await hub.opened.refused(refused + 1);
    const { gaps, numberingRestarts } = region.counts();
    return {
      taken: [...taken].toSorted(),
      effects: region
        .accepted()
        .map(({ reading }) => reading.idem)
        .toSorted(),
      refused: kept.map(({ reading }) => reading.idem).toSorted(),
      waiting,
      gaps,
      numberingRestarts,
    };
  } finally {
    await hub.stop();
    await rm(folder, { recursive: true, force: true });
  }
};
