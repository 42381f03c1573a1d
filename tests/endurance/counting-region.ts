import type { Chance } from "../../hardware-sim/radio/seeded.ts";
import { HubError } from "../../protocol/errors.ts";
import type { HubId, Seq } from "../../protocol/ids.ts";
import { encodeMessage, type ReadingBatch, type Receipt } from "../../protocol/messages.ts";
import type { InboundMessage, RegionConnector, RegionLink } from "../../protocol/ports/region-link.ts";
import { topicOf } from "../../protocol/topics.ts";

export interface RegionTotals {
  /** Readings that took effect. */
  effects: number;
  /** Readings that came again. */
  duplicates: number;
  messages: number;
  connects: number;
}

/**
 * Broker and region in one, that keep nothing but numbers: what a year of them takes in memory is what a day takes. Every
 * number up to `through` has come once; some beyond may have.
 */
export interface CountingRegion {
  readonly connector: RegionConnector;
  readonly totals: RegionTotals;
  /** The highest number without a gap below it. */
  readonly through: number;
  /** Nothing can be reached; what is up goes down. */
  goAway(): void;
  comeBack(): void;
  /** The link breaks, and can be had again. */
  cut(): void;
}

export interface CountingRegionOptions {
  readonly hub: HubId;
  /** The number before the hub's first. */
  readonly from: number;
  readonly chance: Chance;
  /** Share of receipts that get lost. */
  readonly loseReceipts: number;
}

export const createCountingRegion = ({ hub, from, chance, loseReceipts }: CountingRegionOptions): CountingRegion => {
  const topics = { reading: topicOf(hub, "reading"), receipt: topicOf(hub, "receipt") };
  const totals: RegionTotals = { effects: 0, duplicates: 0, messages: 0, connects: 0 };
  const ahead = new Set<number>();
  let through = from;
  let isAway = false;
  let end: ((why: string) => void) | null = null;

  const take = (seq: number): void => {
    if (seq <= through || ahead.has(seq)) {
      totals.duplicates += 1;
      return;
    }
    totals.effects += 1;
    ahead.add(seq);
    while (ahead.delete(through + 1)) through += 1;
  };

  const receiptFor = (series: string): Receipt => {
    const known = [...ahead].toSorted((a, b) => a - b);
    const high = known.at(-1) ?? through;
    const missing: (readonly [Seq, Seq])[] = [];
    for (let at = through + 1, i = 0; at < high; i += 1) {
      const next = known[i] ?? high;
      if (next > at) missing.push([at as Seq, (next - 1) as Seq]);
      at = next + 1;
    }
    return { series, through: high as Seq, refused: [], missing };
  };

  const open = (): RegionLink => {
    const gone = new AbortController();
    const waiting: InboundMessage[] = [];
    let wake: (() => void) | null = null;
    const close = (why: string): void => {
      end = null;
      gone.abort(new HubError("link-lost", `link to the region: ${why}`));
      wake?.();
    };
    end = close;
    async function* incoming(): AsyncGenerator<InboundMessage> {
      for (;;) {
        const message = waiting.shift();
        if (message !== undefined) yield message;
        else if (gone.signal.aborted) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    }
    return {
      protocol: "mqtt5",
      receiveMaximum: 20,
      maximumPacketSize: null,
      lost: gone.signal,
      incoming: incoming(),
      publish: async ({ topic, payload }) => {
        gone.signal.throwIfAborted();
        totals.messages += 1;
        if (topic !== topics.reading) return { tag: "accepted" };
        const { series, batch } = JSON.parse(new TextDecoder().decode(payload)) as ReadingBatch;
        for (const { seq } of batch) take(seq);
        if (!chance.happens(loseReceipts)) {
          waiting.push({ topic: topics.receipt, payload: encodeMessage(receiptFor(series)) });
          wake?.();
        }
        return { tag: "accepted" };
      },
      [Symbol.asyncDispose]: async () => close("this hub closed it"),
    };
  };

  return {
    totals,
    get through() {
      return through;
    },
    goAway: () => {
      isAway = true;
      end?.("the router lost its power");
    },
    comeBack: () => {
      isAway = false;
    },
    cut: () => end?.("the connection broke"),
    connector: {
      connect: async (signal) => {
        signal.throwIfAborted();
        if (isAway) throw new HubError("link-unreachable", "link to the region: no route; check the router");
        totals.connects += 1;
        return open();
      },
    },
  };
};
