import { Duplex } from "node:stream";
import mqtt, { type Packet } from "mqtt-packet";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSession } from "../../gateway/forward/mqtt-session.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../protocol/errors.ts";
import type { RegionLink } from "../../protocol/ports/region-link.ts";
import { RECEIPT, STATE } from "./support/hub-under-test.ts";

const CONNECTIONS = 1500;

type Generatable = Parameters<typeof mqtt.generate>[0];

/** Numerical Recipes' linear congruential generator: small, and the same everywhere. */
const dice = (seed: number) => {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return { chance: (p: number): boolean => next() < p, below: (limit: number): number => Math.floor(next() * limit) };
};
type Dice = ReturnType<typeof dice>;

const TEMPLATES: readonly object[] = [
  { cmd: "connack", sessionPresent: false, reasonCode: 0, returnCode: 0 },
  { cmd: "connack", sessionPresent: true, reasonCode: 0x89, returnCode: 3 },
  { cmd: "puback", reasonCode: 0x10, properties: { reasonString: "nobody" } },
  { cmd: "pubrec", reasonCode: 0 },
  { cmd: "pubcomp" },
  { cmd: "suback", granted: [1, 1] },
  { cmd: "unsuback", granted: [0] },
  { cmd: "pingresp" },
  { cmd: "publish", topic: RECEIPT, payload: "{}", qos: 1, properties: { topicAlias: 2, contentType: "a" } },
  { cmd: "publish", topic: RECEIPT, payload: "{}", qos: 0, properties: { userProperties: { constructor: "c" } } },
  { cmd: "publish", topic: "", payload: "", qos: 1 },
  { cmd: "disconnect", reasonCode: 0x8b, properties: { reasonString: "z" } },
];

const generate = (template: object, messageId: number, version: 4 | 5): Buffer => {
  const packet = { ...template, messageId, dup: false, retain: false } as Record<string, unknown>;
  if (version === 4) delete packet.properties;
  return mqtt.generate(packet as unknown as Generatable, { protocolVersion: version });
};

const spoil = (sound: Buffer, { chance, below }: Dice): Buffer => {
  let bytes = Buffer.from(sound);
  for (let times = below(4); times > 0 && bytes.length > 0; times--) {
    const at = below(bytes.length);
    const way = below(4);
    if (way < 2) bytes[at] = below(256);
    else if (way === 2) bytes = bytes.subarray(0, at);
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(below(256)), bytes.subarray(at)]);
  }
  // Mostly with a length that fits, so that what is inside is looked at.
  if (bytes.length > 1 && bytes.length < 129 && chance(0.7)) bytes[1] = bytes.length - 2;
  return bytes;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One connection to a broker that answers as it should, mostly, and sends spoiled packets besides. */
const survive = async (seed: number): Promise<"opened" | string> => {
  const random = dice(seed);
  const version = random.chance(0.5) ? 5 : 4;
  const toBroker = mqtt.parser({ protocolVersion: version });
  let lastId = 1;
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      toBroker.parse(chunk);
      done();
    },
  });
  const send = (bytes: Buffer): void => {
    if (!socket.destroyed && bytes.length > 0) socket.push(bytes);
  };
  toBroker.on("packet", (packet: Packet) => {
    if (packet.cmd === "publish" || packet.cmd === "subscribe") lastId = packet.messageId ?? lastId;
    if (packet.cmd === "connect" && random.chance(0.9)) send(generate(TEMPLATES[0] ?? {}, 0, version));
    if (packet.cmd === "subscribe" && random.chance(0.9)) {
      send(generate({ cmd: "suback", granted: [1] }, lastId, version));
    }
  });

  const stop = new AbortController();
  const opening = openSession(
    socket,
    {
      protocol: version === 5 ? "mqtt5" : "mqtt3.1.1",
      clientId: "hub-0042",
      will: { topic: STATE, payload: new Uint8Array(3), retain: true },
      subscriptions: [RECEIPT],
      clock: createSimulatedClock(),
    },
    stop.signal,
  );
  const used = opening.then(async (link: RegionLink) => {
    const published = link.publish({ topic: STATE, payload: new Uint8Array(5), retain: false }, stop.signal);
    for await (const { payload } of link.incoming) expect(payload).toBeInstanceOf(Uint8Array);
    await Promise.allSettled([published]);
  });
  const ended = Promise.allSettled([opening, used]);
  for (let i = 0; i < 5; i++) {
    await turn();
    await turn();
    const template = TEMPLATES[random.below(TEMPLATES.length)] ?? {};
    if (i > 0) send(spoil(generate(template, random.chance(0.6) ? lastId : 7, version), random));
  }
  await turn();
  stop.abort(new Error("enough"));
  socket.destroy();
  const [opened] = await ended;
  if (opened.status === "fulfilled") return "opened";
  return opened.reason instanceof HubError ? opened.reason.code : String(opened.reason);
};

const crashes: unknown[] = [];
const onCrash = (thrown: unknown): void => {
  crashes.push(thrown);
};

beforeAll(() => {
  process.on("uncaughtException", onCrash);
  process.on("unhandledRejection", onCrash);
});

afterAll(() => {
  process.off("uncaughtException", onCrash);
  process.off("unhandledRejection", onCrash);
});

it("outlives whatever bytes a broker sends, before and after the link is up", async () => {
  const ends = new Map<string, number>();
  const first = Date.now() % 1_000_000;
  for (let seed = first; seed < first + CONNECTIONS; seed++) {
    const end = await survive(seed);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    expect({ seed, crashes }).toEqual({ seed, crashes: [] });
  }
  // Most connections open, so that the bytes reach a link in use; the others end with a code of the port, or our stop.
  expect(ends.get("opened") ?? 0).toBeGreaterThan(CONNECTIONS / 2);
  expect([...ends.keys()].filter((end) => end !== "opened" && end !== "Error: enough")).not.toContain("link-lost");
});
