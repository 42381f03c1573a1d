import { afterEach, describe, expect, it } from "vitest";
import { type HubErrorCode, isHubError } from "../../protocol/errors.ts";
import { type HubId, hubId } from "../../protocol/ids.ts";
import type { InboundMessage, OutboundMessage, RegionConnector, RegionLink } from "../../protocol/ports/region-link.ts";
import { topicOf } from "../../protocol/topics.ts";
import { until } from "../support/until.ts";

/** A broker under test, and the region's side of it in the test's hand. */
export interface BrokerUnderTest extends AsyncDisposable {
  /** A connector for `hub`, with its credentials, a retained last will on `state`, and these subscriptions. */
  connector(hub: HubId, subscriptions: readonly string[]): RegionConnector;
  /** Messages that reached the region, oldest first. */
  received(): readonly InboundMessage[];
  /** The region sends to a hub. */
  send(topic: string, payload: Uint8Array): Promise<void>;
  /** All connections of hubs end without a goodbye; new ones are accepted. */
  cut(): Promise<void>;
  /** Nobody listens any more. */
  stop(): Promise<void>;
  /** Connections stay open, and nothing moves any more. */
  silence(): void;
}

/** What a broker is known to do; each has its own test. */
export interface BrokerTraits {
  readonly protocol: RegionLink["protocol"];
  /** What becomes of a publish outside the hub's own topics. */
  readonly foreignPublish: "refused" | "link-lost";
  /** What becomes of a foreign subscription. */
  readonly foreignSubscription: "link-refused" | "granted";
  /** Largest packet that the broker says it takes. */
  readonly maximumPacketSize: number | null;
}

export const WILL = new TextEncoder().encode("gone");

const HUB = hubId("hub-0042");
const READING = topicOf(HUB, "reading");
const RECEIPT = topicOf(HUB, "receipt");
const never = new AbortController().signal;
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const message = (content: string): OutboundMessage => ({ topic: READING, payload: text(content), retain: false });
const contentOf = (one: InboundMessage): string => new TextDecoder().decode(one.payload);

/** What every RegionConnector and RegionLink promise (protocol/ports/region-link.ts). */
export const regionLinkContract = (
  name: string,
  traits: BrokerTraits,
  makeBroker: () => Promise<BrokerUnderTest>,
): void => {
  describe(`${name} links a hub to its region: it`, () => {
    const open: AsyncDisposable[] = [];
    const made = async (): Promise<BrokerUnderTest> => {
      const broker = await makeBroker();
      open.push(broker);
      return broker;
    };
    const linked = async (broker: BrokerUnderTest, subscriptions = [RECEIPT]): Promise<RegionLink> => {
      const link = await broker.connector(HUB, subscriptions).connect(never);
      open.push(link);
      return link;
    };
    const failure = async (work: Promise<unknown>): Promise<unknown> => {
      const [result] = await Promise.allSettled([work]);
      return result.status === "rejected" ? result.reason : new Error("it did not fail");
    };
    const code = (thrown: unknown): HubErrorCode | string => (isHubError(thrown) ? thrown.code : String(thrown));
    const readings = (broker: BrokerUnderTest): readonly InboundMessage[] =>
      broker.received().filter(({ topic }) => topic === READING);
    const states = (broker: BrokerUnderTest): readonly InboundMessage[] =>
      broker.received().filter(({ topic }) => topic === topicOf(HUB, "state"));

    afterEach(async () => {
      for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
    });

    it("says what the broker speaks and takes", async () => {
      const broker = await made();
      const link = await linked(broker);
      expect(link.protocol).toBe(traits.protocol);
      expect(link.receiveMaximum).toBeGreaterThanOrEqual(1);
      expect(link.maximumPacketSize).toBe(traits.maximumPacketSize);
      expect(link.lost.aborted).toBe(false);
    });

    it("delivers published bytes unchanged, in order, and says that they were accepted", async () => {
      const broker = await made();
      const link = await linked(broker);
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      expect(await link.publish({ topic: READING, payload: every, retain: false }, never)).toEqual({ tag: "accepted" });
      const more = Array.from({ length: 20 }, (_, index) => `message ${index}`);
      await Promise.all(more.map((content) => link.publish(message(content), never)));
      await until(() => readings(broker).length === 21, "all messages arrived");
      expect([...(readings(broker)[0]?.payload ?? [])]).toEqual([...every]);
      expect(readings(broker).slice(1).map(contentOf)).toEqual(more);
    });

    it("hands out what the region sends, in order, and nothing that was not subscribed", async () => {
      const broker = await made();
      const link = await linked(broker);
      const seen: InboundMessage[] = [];
      const ended = (async (): Promise<void> => {
        for await (const one of link.incoming) seen.push(one);
      })();
      await broker.send(topicOf(HUB, "desired"), text("unasked"));
      for (let i = 0; i < 20; i++) await broker.send(RECEIPT, text(`receipt ${i}`));
      await until(() => seen.length >= 20, "20 receipts arrived");
      expect(seen.map(contentOf)).toEqual(Array.from({ length: 20 }, (_, index) => `receipt ${index}`));
      expect(new Set(seen.map(({ topic }) => topic))).toEqual(new Set([RECEIPT]));
      await link[Symbol.asyncDispose]();
      await ended;
    });

    it("notices a cut, ends what comes in, and refuses to publish from then on", async () => {
      const broker = await made();
      const link = await linked(broker);
      const ended = (async (): Promise<number> => {
        let count = 0;
        for await (const _ of link.incoming) count += 1;
        return count;
      })();
      await broker.cut();
      await until(() => link.lost.aborted, "the link was lost");
      expect(code(link.lost.reason)).toBe("link-lost");
      expect(await ended).toBe(0);
      expect(code(await failure(link.publish(message("late"), never)))).toBe("link-lost");
    });

    it("rejects every publish that a cut leaves without an answer", async () => {
      const broker = await made();
      const link = await linked(broker);
      broker.silence();
      const waiting = Array.from({ length: 5 }, (_, index) => failure(link.publish(message(`${index}`), never)));
      await broker.cut();
      for (const thrown of await Promise.all(waiting)) expect(code(thrown)).toBe("link-lost");
    });

    it("rejects a publish with the reason of its signal", async () => {
      const broker = await made();
      const link = await linked(broker);
      const stop = new AbortController();
      const reason = new Error("enough");
      stop.abort(reason);
      expect(await failure(link.publish(message("never sent"), stop.signal))).toBe(reason);
      expect(await link.publish(message("sent"), never)).toEqual({ tag: "accepted" });
      await until(() => readings(broker).length === 1, "the message arrived");
      expect(readings(broker).map(contentOf)).toEqual(["sent"]);
    });

    it("opens a new link after a lost one", async () => {
      const broker = await made();
      const connector = broker.connector(HUB, [RECEIPT]);
      const first = await connector.connect(never);
      open.push(first);
      await broker.cut();
      await until(() => first.lost.aborted, "the first link was lost");
      const second = await connector.connect(never);
      open.push(second);
      expect(await second.publish(message("again"), never)).toEqual({ tag: "accepted" });
      await until(() => readings(broker).length === 1, "the message arrived");
    });

    it("leaves the last will behind at a cut, and not at a goodbye", async () => {
      const broker = await made();
      const goodbye = await linked(broker);
      await goodbye[Symbol.asyncDispose]();
      expect(goodbye.lost.aborted).toBe(true);
      const link = await linked(broker);
      await link.publish(message("alive"), never);
      await until(() => readings(broker).length === 1, "the message arrived");
      expect(states(broker)).toEqual([]);
      await broker.cut();
      await until(() => states(broker).length === 1, "the will was published");
      expect(states(broker).map(contentOf)).toEqual(["gone"]);
    });

    it("can be closed twice", async () => {
      const broker = await made();
      const link = await linked(broker);
      await link[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
      expect(code(link.lost.reason)).toBe("link-lost");
    });

    it("says that nobody can be reached", async () => {
      const broker = await made();
      const connector = broker.connector(HUB, [RECEIPT]);
      await broker.stop();
      expect(code(await failure(connector.connect(never)))).toBe("link-unreachable");
    });

    it("gives up connecting with the reason of its signal", async () => {
      const broker = await made();
      const stop = new AbortController();
      const reason = new Error("enough");
      stop.abort(reason);
      expect(await failure(broker.connector(HUB, [RECEIPT]).connect(stop.signal))).toBe(reason);
    });

    const { maximumPacketSize: limit } = traits;
    if (limit !== null) {
      it("does not send a packet that is larger than the broker takes", async () => {
        const link = await linked(await made());
        const outcome = await link.publish({ topic: READING, payload: new Uint8Array(limit), retain: false }, never);
        expect(outcome).toEqual({ tag: "too-large", limit });
        expect(await link.publish(message("small"), never)).toEqual({ tag: "accepted" });
      });
    }

    it("learns that the broker does not let it write for another hub", async () => {
      const broker = await made();
      const link = await linked(broker);
      const foreign = { topic: topicOf(hubId("hub-0043"), "reading"), payload: text("not mine"), retain: false };
      if (traits.foreignPublish === "refused") {
        expect(await link.publish(foreign, never)).toMatchObject({ tag: "refused", scope: "topic" });
      } else {
        expect(code(await failure(link.publish(foreign, never)))).toBe("link-lost");
      }
      expect(broker.received().filter(({ topic }) => topic === foreign.topic)).toEqual([]);
    });

    it("is refused where a subscription is not granted", async () => {
      const broker = await made();
      const foreign = [RECEIPT, topicOf(hubId("hub-0043"), "receipt")];
      const [result] = await Promise.allSettled([broker.connector(HUB, foreign).connect(never)]);
      if (result.status === "fulfilled") open.push(result.value);
      const found = result.status === "fulfilled" ? "granted" : code(result.reason);
      expect(found).toBe(traits.foreignSubscription);
    });
  });
};
