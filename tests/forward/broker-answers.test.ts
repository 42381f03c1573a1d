import { describe, expect, it } from "vitest";
import { reasonName } from "../../gateway/forward/reason-codes.ts";
import {
  acksTwice,
  acksUnknown,
  endsOnce,
  holdsBack,
  onTerms,
  redirects,
  staleSession,
  wellBehaved,
} from "../../hardware-sim/broker/behaviours.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { createStage } from "./support/scene.ts";

const stage = createStage();
const { scene, passing } = stage;

describe("a hub whose broker acknowledges strangely", () => {
  it.each([acksTwice, acksUnknown])("$name: keeps the link, and every reading has one effect", async (behaviour) => {
    const { allReceipted, broker, region } = await scene(behaviour, 60);
    await allReceipted();
    expect(region.counts()).toMatchObject({ accepted: 60, duplicatesReceived: 0, duplicatesInEffect: 0, gaps: 0 });
    expect(broker.connects).toBe(1);
  });

  it("holds-back: takes answers in any order", async () => {
    const { broker, region, status, hub } = await scene(holdsBack, 60);
    await passing(
      () => {
        // The birth is alone at first: only two at once have an order.
        if (broker.held >= 2 || status().inFlight === 1) broker.release();
        return hub.outbox.depth().waiting === 0;
      },
      "every reading is receipted",
      millis(100),
    );
    expect(region.counts()).toMatchObject({ accepted: 60, duplicatesReceived: 0, duplicatesInEffect: 0, gaps: 0 });
    expect(broker.connects).toBe(1);
    expect(broker.mostInFlight).toBeGreaterThan(0);
  });
});

describe("a hub whose broker has terms", () => {
  it("uses no topic alias, whatever number the broker offers", async () => {
    const { allReceipted, broker, region } = await scene(onTerms({ topicAliasMaximum: 10 }), 30);
    await allReceipted();
    // A message under an alias would have an empty topic, and the region would not know whose it is.
    expect(region.counts()).toMatchObject({ accepted: 30, unreadable: 0 });
    expect(broker.connects).toBe(1);
  });

  it("keeps the link alive as often as the broker wants, and notices its silence as soon", async () => {
    const { allReceipted, broker, status } = await scene(onTerms({ serverKeepAlive: 5 }));
    await allReceipted();
    const before = broker.pings;
    await passing(() => broker.pings >= before + 4, "four pings", seconds(1));
    expect(status().state).toBe("up");
    broker.behave({ ...wellBehaved, answersPing: false });
    const asked = broker.pings;
    await passing(() => broker.pings > asked, "a ping without an answer", seconds(1));
    const since = stage.clock.elapsed();
    await passing(() => status().state !== "up", "the hub notices", seconds(1));
    // 1.5 x 5 s, in steps of a second.
    expect(stage.clock.elapsed() - since).toBeLessThanOrEqual(9000);
  });

  it("does not wait longer for a sign of life than its own keepalive, whatever the broker allows", async () => {
    const { allReceipted, broker } = await scene(onTerms({ serverKeepAlive: 65_535 }));
    await allReceipted();
    const before = broker.pings;
    await passing(() => broker.pings > before, "a ping", seconds(5));
    expect(stage.clock.elapsed()).toBeLessThan(60_000);
  });

  it.each([
    ["keeps its session longer than was asked", onTerms({ sessionExpiryInterval: 3600 })],
    ["offers what nobody asked for", onTerms({ wildcardSubscriptionAvailable: true, responseInformation: "x" })],
    ["gives the hub another name", onTerms({ assignedClientIdentifier: "someone-else" })],
    ["takes no retained messages", onTerms({ retainAvailable: false })],
  ])("delivers to a broker that %s", async (_what, behaviour) => {
    const { allReceipted, broker, region } = await scene(behaviour, 10);
    await allReceipted();
    expect(region.counts()).toMatchObject({ accepted: 10, duplicatesInEffect: 0, unreadable: 0 });
    expect(broker.connects).toBe(1);
  });

  it("does not believe a session that it did not ask for: nothing of it is taken for settled", async () => {
    const { allReceipted, region, broker } = await scene(staleSession, 10);
    await allReceipted();
    expect(region.counts()).toMatchObject({ accepted: 10, duplicatesInEffect: 0 });
    expect(broker.connects).toBe(1);
  });

  it("refuses a broker that takes no QoS 1, in a sentence", async () => {
    const { status, hub } = await scene(onTerms({ maximumQoS: 0 }));
    await until(() => status().state === "backing-off", "the hub goes away");
    expect(status().trouble).toContain("QoS not supported (0x9b); the region's broker must allow QoS 1");
    expect(hub.outbox.depth().waiting).toBe(1);
  });
});

describe("a hub whose broker ends the link", () => {
  /** MQTT 5.0 table 3-13: every reason that a server may give, and one that does not exist. */
  const REASONS = [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x96, 0x97, 0x98, 0x9a, 0x9b,
    0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ];
  it.each(REASONS.map((code) => [reasonName(code), code] as const))(
    "with the reason %s: says so, comes back in its time, and loses nothing",
    async (name, code) => {
      const { hub, status, region, broker } = await scene(endsOnce(code), 3);
      await until(() => status().state === "backing-off", "the link ended");
      expect(status().lastError?.code).toBe("link-lost");
      expect(status().trouble).toContain(name);
      const soon = code < 0x80 || code === 0x8b || code === 0x8d;
      if (soon) expect(status().nextAttemptS).toBeLessThanOrEqual(2);
      else expect(status().nextAttemptS).toBeGreaterThanOrEqual(15);
      await passing(() => hub.outbox.depth().waiting === 0, "every reading is receipted", seconds(5));
      expect(broker.connects).toBe(2);
      expect(region.counts()).toMatchObject({ accepted: 3, duplicatesInEffect: 0 });
    },
  );

  it.each([0x9c, 0x9d] as const)(
    "to send it elsewhere (%i): does not go there, and says who has to act",
    async (code) => {
      const { allReceipted, status, broker } = await scene(endsOnce(code, "elsewhere.example:8883"), 2);
      await until(() => status().state === "backing-off", "the link ended");
      expect(status().trouble).toMatch(
        /(use another server|server moved) .*the hub follows no redirection; .*the region/,
      );
      expect(status().nextAttemptS).toBeGreaterThanOrEqual(15);
      await allReceipted();
      expect(broker.connects).toBe(2);
    },
  );

  it.each([0x9c, 0x9d] as const)("before it begins, to send it elsewhere (%i): says who has to act", async (code) => {
    const { broker, status, hub, allReceipted } = await scene(redirects(code, "elsewhere.example:8883"));
    await until(() => status().state === "backing-off", "the broker refused");
    expect(status().lastError?.code).toBe("link-refused");
    expect(status().trouble).toContain("the hub follows no redirection");
    expect(hub.outbox.depth().waiting).toBe(1);
    await stage.clock.advance(seconds(14));
    expect(broker.connects).toBe(1);
    broker.behave(wellBehaved);
    await allReceipted();
  });
});
