import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import type { SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { Chance } from "../../hardware-sim/radio/seeded.ts";
import type { ReceiverFaults, RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import type { OutboundMessage, PublishOutcome } from "../../protocol/ports/region-link.ts";
import { millis, minutes } from "../../protocol/time.ts";
import { createRegion, READING, startHub } from "../../tests/forward/support/hub-under-test.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { pass } from "./delivery.ts";
import { namedByBytes } from "./measured.ts";

/**
 * What the world outside the hub gets to know, each line at the moment when it does:
 *
 * - `measuring N`: a sensor has measurement N, and will send it again until it is acknowledged
 * - `stored SEQ N`: measurement N was acknowledged as durable under SEQ
 * - `published JSON`: the region has this message of readings
 * - `receipt JSON`: the region sends this receipt
 */
export type Say = (line: string) => void;

/** A region that outlives the hub, and the way to it. */
export interface FarEnd extends AsyncDisposable {
  readonly broker: MemoryBroker;
  readonly region: RegionReceiver;
  /** A message that reached the region's side. */
  readonly arrive: (message: OutboundMessage) => void;
}

const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

export const createFarEnd = (clock: SimulatedClock, say: Say): FarEnd => {
  const { broker, region } = createRegion(clock);
  const arrive = ({ topic, payload }: OutboundMessage): void => {
    if (topic === READING) say(`published ${text(payload)}`);
    region.receive(topic, payload);
  };
  broker.configure({ onDelivered: arrive });
  region.attach(async (topic, payload) => {
    say(`receipt ${text(payload)}`);
    broker.send(topic, payload);
  });
  return { broker, region, arrive, [Symbol.asyncDispose]: () => region[Symbol.asyncDispose]() };
};

const accepted: PublishOutcome = { tag: "accepted" };

/** Each makes the way to the region bad in one manner, until the next one. */
const TROUBLES: readonly ((farEnd: FarEnd) => ReceiverFaults | undefined)[] = [
  () => undefined,
  // The acknowledgement of the broker is lost with the connection: the readings arrived, and the hub does not know.
  ({ broker, arrive }) => {
    broker.configure({
      onPublish: (message) => {
        if (message.topic !== READING) return accepted;
        arrive(message);
        return "cut";
      },
    });
    return undefined;
  },
  // The broker says that it has the message, and loses it.
  ({ broker }) => {
    broker.configure({ onDelivered: () => undefined });
    return undefined;
  },
  ({ broker }) => {
    broker.configure({ onPublish: ({ topic }) => (topic === READING ? { tag: "no-subscriber" } : accepted) });
    return undefined;
  },
  ({ broker }) => {
    broker.cut();
    return undefined;
  },
  () => ({ silent: true }),
  () => ({ loseReceipts: 0.5 }),
  () => ({ delayReceipts: millis(2500) }),
];

export const makeWell = ({ broker, region, arrive }: FarEnd): void => {
  broker.configure({ onPublish: () => accepted, onDelivered: arrive });
  region.setFaults({});
};

const makeTrouble = (farEnd: FarEnd, chance: Chance): void => {
  makeWell(farEnd);
  farEnd.region.setFaults(TROUBLES[chance.whole(0, TROUBLES.length - 1)]?.(farEnd) ?? {});
};

export interface BadLinkLife {
  readonly directory: string;
  readonly clock: SimulatedClock;
  readonly farEnd: FarEnd;
  readonly chance: Chance;
  readonly say: Say;
  /** Starts of the hub, one after another on the same files. */
  readonly starts: number;
  /** Troubles of the link in each of them. */
  readonly troubles: number;
}

/** The real outbox and the real forwarder over a link that is in trouble again and again, with restarts in between. */
export const liveOverBadLink = async (life: BadLinkLife): Promise<void> => {
  const { directory, clock, farEnd, chance, say, starts, troubles } = life;
  let measurements = 0;

  const measure = async (outbox: SqliteOutbox): Promise<void> => {
    const numbers = Array.from({ length: chance.whole(1, 4) }, () => {
      measurements += 1;
      return measurements;
    });
    for (const n of numbers) say(`measuring ${n}`);
    const appended = await outbox.append(numbers.map(namedByBytes.make));
    for (const [i, { seq }] of appended.entries()) say(`stored ${seq} ${numbers[i]}`);
  };

  for (let start = 0; start < starts; start += 1) {
    await using outbox = await openSqliteOutbox({ directory, clock, logger: silentLogger });
    await using hub = startHub({ clock, broker: farEnd.broker, outbox: () => outbox });
    for (let trouble = 0; trouble < troubles; trouble += 1) {
      makeTrouble(farEnd, chance);
      await Promise.all([measure(outbox), measure(outbox)]);
      hub.forwarder.wake();
      await pass(clock, outbox, millis(chance.whole(50, 900)));
    }
    makeWell(farEnd);
    // Settlements wait for the next commit, or go alone after two minutes: both are to be met.
    await pass(clock, outbox, millis(1500));
    if (chance.happens(0.5)) await clock.advance(minutes(3));
    await outbox.next(0, 1);
    await hub.stop();
  }
};
