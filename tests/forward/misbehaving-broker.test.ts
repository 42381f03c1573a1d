import { describe, expect, it } from "vitest";
import {
  badAuth,
  busy,
  garbageAfterPuback,
  garbageConnack,
  halfOpen,
  lostAck,
  maximumPacket,
  noAck,
  noSubscriptions,
  notAuthorised,
  quota,
  receiveMaximumOne,
  slowLoris,
  tooBigDisconnect,
  tooBigPuback,
  trickle,
  wellBehaved,
} from "../../hardware-sim/broker/behaviours.ts";
import { isHubError } from "../../protocol/errors.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { createStage } from "./support/scene.ts";

const stage = createStage();
const { scene, passing } = stage;

const holds =
  (seq: number) =>
  (payload: Uint8Array): boolean =>
    new RegExp(`"seq":${seq}[,}]`).test(new TextDecoder().decode(payload));

describe("a hub in front of a broker that misbehaves", () => {
  it("well-behaved: delivers, and is receipted", async () => {
    const { allReceipted, region, status } = await scene(wellBehaved, 50);
    await allReceipted();
    expect(region.counts()).toMatchObject({ accepted: 50, duplicatesInEffect: 0, gaps: 0 });
    expect(status()).toMatchObject({ state: "up", protocol: "mqtt5", trouble: null });
  });

  it("badauth: says what was refused, keeps asking with long pauses, and comes through in the end", async () => {
    const { allReceipted, broker, status } = await scene(badAuth(2));
    await until(() => status().state === "backing-off", "the broker refused");
    expect(status().lastError).toMatchObject({ code: "link-refused" });
    expect(status().trouble).toContain(
      "bad user name or password (0x86); the region must admit this hub's certificate",
    );
    await stage.clock.advance(seconds(14));
    expect(broker.connects).toBe(1);
    await allReceipted();
    expect(broker.connects).toBe(3);
  });

  it("busy: keeps asking with long pauses, and comes through in the end", async () => {
    const { allReceipted, status } = await scene(busy(1));
    await until(() => status().state === "backing-off", "the broker refused");
    expect(status().trouble).toContain("server busy (0x89); the hub keeps its readings and tries again later");
    await allReceipted();
  });

  it.each([slowLoris(1), trickle(1)])("$name: gives up after 20 s and tries again", async (behaviour) => {
    const { allReceipted, broker, status } = await scene(behaviour);
    await until(() => broker.connects === 1, "the hub has asked");
    await stage.clock.advance(seconds(19));
    expect(status().state).toBe("connecting");
    await passing(() => status().lastError !== null, "the hub gave up");
    expect(status().lastError).toMatchObject({ code: "link-timeout" });
    await allReceipted();
    expect(broker.connects).toBe(2);
  });

  it("halfopen: notices the silence within 1.5 keepalives and sends again", async () => {
    const { allReceipted, broker, status } = await scene(halfOpen);
    await until(() => status().inFlight > 0, "something is in flight");
    await stage.clock.advance(seconds(29));
    expect(status().state).toBe("up");
    await stage.clock.advance(seconds(16));
    await until(() => status().state !== "up", "the hub noticed");
    expect(status().lastError?.code).toBe("link-lost");
    broker.behave(wellBehaved);
    await allReceipted();
  });

  it("noack: does not wait for ever for a PUBACK, and the second coming has no effect", async () => {
    const { allReceipted, broker, region, status } = await scene(noAck, 3);
    // The receipts come although the PUBACKs do not; what the broker never acknowledges ends the link.
    await until(() => region.counts().accepted === 3, "the readings arrived");
    await passing(() => status().lastError !== null, "the hub gave up");
    expect(status().lastError?.message).toContain("does not acknowledge");
    broker.behave(wellBehaved);
    await allReceipted();
    expect(region.counts()).toMatchObject({ accepted: 3, duplicatesInEffect: 0 });
  });

  it("lostack: sends again what was cut before its PUBACK, with one effect", async () => {
    const { allReceipted, region } = await scene(lostAck(3), 20);
    await allReceipted();
    expect(region.counts()).toMatchObject({ accepted: 20, duplicatesInEffect: 0, gaps: 0 });
  });

  it("q97: waits and sends what the quota held back", async () => {
    const { allReceipted, status, broker } = await scene(quota(3), 3);
    await until(() => broker.publishes >= 2 && status().trouble !== null, "the broker asked to wait");
    expect(status().trouble).toContain("quota exceeded (0x97); readings are kept and sent more slowly");
    await allReceipted();
  });

  it("na87: keeps the readings, says who has to act, and goes on with the rest", async () => {
    const { broker, status, hub, region, allReceipted } = await scene(notAuthorised("reading"));
    await until(() => status().trouble !== null, "the broker refused");
    expect(status()).toMatchObject({ state: "up", waiting: 1 });
    await until(() => region.hubs()[0]?.events.length === 1, "the region knows");
    expect(region.hubs()[0]?.state).toMatchObject({ online: true });
    expect(hub.outbox.depth().waiting).toBe(1);
    broker.behave(wellBehaved);
    await stage.clock.advance(minutes(14));
    await allReceipted();
  });

  it.each([tooBigPuback(holds(7)), tooBigDisconnect(holds(7))])(
    "$name: sets the one reading aside that is too much, and delivers the others",
    async (behaviour) => {
      const { region, status, hub } = await scene(behaviour, 20);
      await passing(() => hub.outbox.depth().waiting === 1, "all but one are receipted");
      expect(hub.outbox.depth().oldest).toBe(7);
      expect(region.counts()).toMatchObject({ accepted: 19, duplicatesInEffect: 0 });
      await passing(() => status().quarantined === 1, "it is set aside");
    },
  );

  it("maxpkt: keeps every message below what the broker takes", async () => {
    const { allReceipted, region, broker } = await scene(maximumPacket(4096), 20);
    await allReceipted();
    expect(region.counts().accepted).toBe(20);
    expect(broker.connects).toBe(1);
  });

  it("maxpkt: says so where the broker takes less than any reading needs", async () => {
    const { broker, status } = await scene(maximumPacket(900), 20);
    await until(() => status().trouble !== null, "the hub holds back");
    expect(status().trouble).toContain("refuses every reading");
    expect(status().waiting).toBe(20);
    expect(broker.connects).toBe(1);
  });

  it("rm1: has one message in flight at a time", async () => {
    const { allReceipted, broker } = await scene(receiveMaximumOne, 100);
    await allReceipted();
    expect(broker.mostInFlight).toBe(1);
    expect(broker.connects).toBe(1);
  });

  it("nosub: goes on without commands where only they are refused", async () => {
    const { allReceipted, broker, region } = await scene(noSubscriptions(0x87, "/desired"), 5);
    await allReceipted();
    expect(region.counts()).toMatchObject({ accepted: 5 });
    expect(broker.connects).toBe(1);
  });

  it("nosub: says what was not granted", async () => {
    const { status } = await scene(noSubscriptions(0x87));
    await until(() => status().state === "backing-off", "the hub gave up");
    expect(status().lastError).toMatchObject({ code: "link-refused" });
    expect(status().trouble).toContain("refused to subscribe: not authorised (0x87)");
  });

  /** Each ends the connection, and nothing else: PUBLISH without its packet id, QoS 2, a packet of 256 MB ... */
  const HOSTILE: readonly (readonly [name: string, hex: string])[] = [
    ["a PUBLISH too short for its packet id", "32040002c401"],
    ["a PUBLISH of QoS 2", "340700017800010061"],
    ["a packet of 256 MB", "30ffffff7f"],
    ["a length of five bytes", "30ffffffff7f"],
    ["a second CONNACK", "2003000000"],
    ["a PUBREC for a QoS 1 message", "50020001"],
    ["an AUTH that was not asked for", "f00118"],
    ["a CONNECT from the broker", "100c00044d5154540402003c0000"],
    ["an unknown packet type", "0000"],
    ["a topic alias that was not offered", "300b000573746174650323000161"],
    ["properties that end too early", "30060001787f7f7f"],
    ["a DISCONNECT with a wrong reason", "e00101"],
  ];

  it.each(HOSTILE)("garbage: drops the connection at %s, and lives", async (_name, hex) => {
    const { broker, hub, region, status } = await scene(garbageAfterPuback(Buffer.from(hex, "hex")), 5);
    await passing(() => hub.outbox.depth().waiting === 0 && broker.connects >= 2, "the hub came back", millis(500));
    expect(status().lastError?.code).toBe("link-lost");
    expect(region.counts()).toMatchObject({ accepted: 5, duplicatesInEffect: 0 });
  });

  it.each([
    ["a CONNACK of 3.1.1", "20020000", "up"],
    ["a PUBACK before any CONNACK", "40020001", "backing-off"],
    ["text", Buffer.from("HTTP/1.1 200 OK\r\n\r\n").toString("hex"), "backing-off"],
    ["an empty CONNACK", "2000", "backing-off"],
  ] as const)("garbage: survives %s as an answer to CONNECT", async (_name, hex, end) => {
    const { status } = await scene(garbageConnack(Buffer.from(hex, "hex")));
    await passing(() => status().state === end, `the link is ${end}`);
    if (end === "backing-off") expect(["link-unreachable", "link-timeout"]).toContain(status().lastError?.code);
  });

  it("tells apart who ended a link", async () => {
    const { connector, broker } = await scene(wellBehaved);
    const link = await connector.connect(new AbortController().signal);
    stage.use(link);
    broker.cut();
    await until(() => link.lost.aborted, "the link is lost");
    expect(isHubError(link.lost.reason, "link-lost")).toBe(true);
    expect(link.lost.reason).toMatchObject({ context: { trouble: "closed" } });
  });
});
