import type { HubId } from "../../protocol/ids.ts";
import { encodeMessage, type HubEvent, type HubState, type Receipt } from "../../protocol/messages.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Reading } from "../../protocol/reading.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import { parseTopic, type TopicName, topicOf, topicOfAll } from "../../protocol/topics.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { createChance } from "../radio/seeded.ts";
import type { DayAccount } from "./day-account.ts";
import {
  type AcceptedReading,
  createHubAccount,
  createReadingStore,
  type HubAccount,
  type HubNumbers,
} from "./hub-account.ts";

/** While something is missing and the hub says nothing, the region asks again. */
const ASK_AGAIN = seconds(30);
/** Events kept for each hub; the oldest go first. */
const MAX_EVENTS = 1000;

/** Misbehaviour of the region, for the hub to cope with. */
export interface ReceiverFaults {
  /** Refuse a valid reading, with this reason. */
  readonly refuse?: (reading: Reading) => string | null;
  /** Take readings and send no receipts. */
  readonly silent?: boolean;
  /** Share of receipts that get lost on the way, 0 to 1. */
  readonly loseReceipts?: number;
  /** Time between a batch and its receipt. */
  readonly delayReceipts?: Millis;
}

export type RegionEvent =
  | { readonly tag: "accepted"; readonly hub: HubId; readonly accepted: AcceptedReading }
  | { readonly tag: "duplicate"; readonly hub: HubId; readonly seq: number }
  | { readonly tag: "refused"; readonly hub: HubId; readonly seq: number; readonly reason: string }
  | { readonly tag: "unreadable"; readonly hub: HubId; readonly reason: string }
  | { readonly tag: "numbering-restarted"; readonly hub: HubId; readonly generation: number }
  /** Sent, `covered` being the readings that this receipt is the first to cover. */
  | {
      readonly tag: "receipt";
      readonly hub: HubId;
      readonly receipt: Receipt;
      readonly covered: readonly AcceptedReading[];
      readonly at: Millis;
    }
  | { readonly tag: "receipt-lost"; readonly hub: HubId; readonly why: "fault" | "no-connection" }
  | { readonly tag: "state"; readonly hub: HubId; readonly state: HubState }
  | { readonly tag: "event"; readonly hub: HubId; readonly event: HubEvent };

export interface RegionCounts {
  readonly accepted: number;
  readonly refused: number;
  /** Messages of readings that had taken effect before. */
  readonly duplicatesReceived: number;
  /** Readings that took effect more than once: must be 0. Counted over the effects, not over what prevents them. */
  readonly duplicatesInEffect: number;
  /** Numbers passed over and not received so far, over all hubs. */
  readonly gaps: number;
  readonly unreadable: number;
  readonly numberingRestarts: number;
  readonly receiptsSent: number;
  readonly receiptsLost: number;
}

export interface HubView extends HubNumbers {
  readonly hub: HubId;
  readonly state: HubState | null;
  readonly events: readonly HubEvent[];
}

/** Publish with QoS 1; resolves when the broker has taken it. */
export type PublishReceipt = (topic: string, payload: Uint8Array) => Promise<void>;

/**
 * The receiving end of a region: takes messages from any broker, keeps each reading once, and answers with receipts.
 * It outlives brokers and connections; `attach` gives it a way out, one at a time.
 *
 * A receipt follows each batch at once. While one is on its way the next waits and then speaks for all batches until
 * then: at most one receipt a hub is in flight. Without a way out, receipts are lost, as they would be on a real
 * network: the hub sends again, and is answered then. See `HubAccount` for what a receipt says.
 */
export interface RegionReceiver extends AsyncDisposable {
  /** Topic filters to subscribe with QoS 1. */
  readonly filters: readonly string[];
  /** Never throws, whatever the bytes. When it returns, the readings of the message have taken effect. */
  receive(topic: string, payload: Uint8Array): void;
  attach(publish: PublishReceipt): Disposable;
  setFaults(faults: ReceiverFaults): void;
  counts(): RegionCounts;
  hub(id: HubId): HubView | null;
  hubs(): readonly HubView[];
  /** What became of every number of a hub, by device and day; null for one that sent nothing. */
  account(id: HubId): DayAccount | null;
  /** Everything that took effect, in order. */
  accepted(): readonly AcceptedReading[];
}

export interface ReceiverOptions {
  readonly clock: Clock;
  /** For lost receipts. */
  readonly seed?: number;
  readonly faults?: ReceiverFaults;
  readonly observe?: (event: RegionEvent) => void;
}

interface Correspondent {
  readonly account: HubAccount;
  state: HubState | null;
  readonly events: HubEvent[];
  sending: boolean;
  dirty: boolean;
  /** When a wake-up is planned; null where none is. */
  wakeAt: Millis | null;
}

const TOPICS: readonly TopicName[] = ["reading", "state", "event"];

const parse = (payload: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
};

export const createRegionReceiver = (options: ReceiverOptions): RegionReceiver => {
  const { clock, observe = () => undefined } = options;
  const validate = createReadingValidator();
  const store = createReadingStore();
  const chance = createChance(options.seed ?? 1).fork("receipts");
  const hubs = new Map<HubId, Correspondent>();
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  let faults = options.faults ?? {};
  let publish: PublishReceipt | null = null;
  const count = { refused: 0, duplicates: 0, unreadable: 0, restarts: 0, receipts: 0, lost: 0 };

  const track = (task: Promise<void>): void => {
    const settled = task.catch(() => undefined).finally(() => running.delete(settled));
    running.add(settled);
  };

  const correspondent = (hub: HubId): Correspondent => {
    const known = hubs.get(hub);
    if (known !== undefined) return known;
    const account = createHubAccount(hub, validate, store);
    const made: Correspondent = { account, state: null, events: [], sending: false, dirty: false, wakeAt: null };
    hubs.set(hub, made);
    return made;
  };

  const lost = (hub: HubId, why: "fault" | "no-connection"): void => {
    count.lost += 1;
    observe({ tag: "receipt-lost", hub, why });
  };

  const wakeLater = (one: Correspondent, at: Millis): void => {
    if (one.wakeAt !== null && one.wakeAt <= at) return;
    one.wakeAt = at;
    track(
      clock.sleep(millis(at - clock.elapsed()), closing.signal).then(() => {
        if (one.wakeAt !== at) return;
        one.wakeAt = null;
        answer(one);
      }),
    );
  };

  const sendOne = async (one: Correspondent): Promise<void> => {
    const { hub } = one.account;
    const { receipt, changesAt } = one.account.receipt(clock.elapsed());
    if (changesAt !== null) wakeLater(one, changesAt);
    else if (receipt.missing.length > 0) wakeLater(one, millis(clock.elapsed() + ASK_AGAIN));
    if (faults.silent === true) return;
    if (chance.happens(faults.loseReceipts ?? 0)) return lost(hub, "fault");
    if (publish === null) return lost(hub, "no-connection");
    try {
      await publish(topicOf(hub, "receipt"), encodeMessage(receipt));
    } catch {
      return lost(hub, "no-connection");
    }
    count.receipts += 1;
    const at = clock.elapsed();
    observe({ tag: "receipt", hub, receipt, covered: one.account.receipted(receipt, at), at });
  };

  const send = async (one: Correspondent): Promise<void> => {
    try {
      while (one.dirty) {
        one.dirty = false;
        if (faults.delayReceipts !== undefined) await clock.sleep(faults.delayReceipts, closing.signal);
        await sendOne(one);
      }
    } finally {
      one.sending = false;
    }
  };

  const answer = (one: Correspondent): void => {
    one.dirty = true;
    if (one.sending || closing.signal.aborted) return;
    one.sending = true;
    track(send(one));
  };

  const numberingRestarted = ({ account }: Correspondent): void => {
    count.restarts += 1;
    observe({ tag: "numbering-restarted", hub: account.hub, generation: account.numbers().generation });
  };

  const takeReading = (one: Correspondent, candidate: unknown): void => {
    const { hub } = one.account;
    const { taken, restarted } = one.account.take(candidate, clock.elapsed(), faults.refuse ?? (() => null));
    if (restarted) numberingRestarted(one);
    if (taken.tag === "duplicate") count.duplicates += 1;
    if (taken.tag === "refused") count.refused += 1;
    if (taken.tag === "unreadable") count.unreadable += 1;
    observe({ ...taken, hub });
  };

  const takeBatch = (one: Correspondent, message: unknown): void => {
    const { batch, series } = (message ?? {}) as { batch?: unknown; series?: unknown };
    if (!Array.isArray(batch)) {
      count.unreadable += 1;
      observe({ tag: "unreadable", hub: one.account.hub, reason: "not a batch of readings" });
      return;
    }
    if (one.account.open(typeof series === "string" ? series : null)) numberingRestarted(one);
    for (const candidate of batch as unknown[]) takeReading(one, candidate);
    answer(one);
  };

  const takeNotice = (one: Correspondent, name: TopicName, message: unknown): void => {
    const { hub } = one.account;
    const schema = (message as { schema?: unknown } | null | undefined)?.schema;
    if (name === "state" && schema === "state/1") {
      one.state = message as HubState;
      observe({ tag: "state", hub, state: one.state });
    } else if (name === "event" && schema === "event/1") {
      if (one.events.push(message as HubEvent) > MAX_EVENTS) one.events.shift();
      observe({ tag: "event", hub, event: message as HubEvent });
    } else {
      count.unreadable += 1;
      observe({ tag: "unreadable", hub, reason: `not a ${name} message` });
    }
  };

  const view = (one: Correspondent): HubView => ({
    ...one.account.numbers(),
    hub: one.account.hub,
    state: one.state,
    events: [...one.events],
  });

  return {
    filters: TOPICS.map(topicOfAll),
    receive: (topic, payload) => {
      const place = parseTopic(topic);
      if (place === null || !TOPICS.includes(place.name)) return;
      const one = correspondent(place.hub);
      if (place.name === "reading") takeBatch(one, parse(payload));
      else takeNotice(one, place.name, parse(payload));
    },
    attach: (way) => {
      publish = way;
      return {
        [Symbol.dispose]: () => {
          if (publish === way) publish = null;
        },
      };
    },
    setFaults: (next) => {
      faults = next;
    },
    counts: () => ({
      accepted: store.effects.length,
      refused: count.refused,
      duplicatesReceived: count.duplicates,
      duplicatesInEffect: store.effects.length - new Set(store.effects.map((one) => one.reading.idem)).size,
      gaps: [...hubs.values()].reduce((total, one) => total + one.account.numbers().missing, 0),
      unreadable: count.unreadable,
      numberingRestarts: count.restarts,
      receiptsSent: count.receipts,
      receiptsLost: count.lost,
    }),
    hub: (id) => {
      const one = hubs.get(id);
      return one === undefined ? null : view(one);
    },
    hubs: () => [...hubs.values()].map(view),
    account: (id) => hubs.get(id)?.account.days() ?? null,
    accepted: () => store.effects,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.all(running);
    },
  };
};
