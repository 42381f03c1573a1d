import { expect, it } from "vitest";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { wellBehaved } from "../../hardware-sim/broker/behaviours.ts";
import { createScriptedBroker } from "../../hardware-sim/broker/scripted-broker.ts";
import { createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { epochMs, seconds } from "../../protocol/time.ts";
import { titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { networkRequirement } from "./support/able.ts";
import { type HubAtHome, onceEach, startHubAtHome } from "./support/hub-at-home.ts";
import { createNameServer, type NameAnswer, type NameServer } from "./support/name-server.ts";

const required = networkRequirement();
const clock = createSystemClock();
/** Long enough for the resolver's own patience, a pause of the hub and the next attempt. */
const PATIENCE_MS = 60_000;

const scene = async (
  stack: AsyncDisposableStack,
  answer: (region: string) => NameAnswer,
  resolver = "options timeout:1 attempts:1",
): Promise<{ home: HubAtHome; names: NameServer }> => {
  let names: NameServer | null = null;
  const home = stack.use(
    await startHubAtHome({
      waiting: 3,
      byName: true,
      prepare: async (network) => {
        names = stack.use(await createNameServer(network.region, clock));
        names.answer(answer(network.region));
        await network.nameServers(`nameserver ${network.region}\n${resolver}\n`);
      },
    }),
  );
  if (names === null) throw new Error("no name server");
  return { home, names };
};

const says = (home: HubAtHome, what: string): Promise<boolean> =>
  until(
    async () => (await home.link()).lastError?.message.includes(what) ?? false,
    `the hub says "${what}"`,
    PATIENCE_MS,
  );

it.skipIf(!required.available).each<readonly [string, NameAnswer, string]>([
  ["fails", { tag: "server-failure" }, "the name service does not answer"],
  ["knows no such name", { tag: "no-such-name" }, "its name is not known to the name service"],
  ["is silent", { tag: "silence" }, "the name service does not answer"],
])(
  titled(
    "F26 a name service that %s is said in a sentence; readings are stored, and delivered when it answers",
    required,
  ),
  { timeout: 180_000 },
  async (_what, answer, sentence) => {
    await using stack = new AsyncDisposableStack();
    const { home, names } = await scene(stack, () => answer);
    await says(home, sentence);
    await home.enter();
    names.answer({ tag: "address", ip: home.network.region });
    await home.delivered(PATIENCE_MS);
    expect(home.region.counts()).toMatchObject(onceEach(home));
  },
);

it.skipIf(!required.available)(
  titled("F26 a name service that takes three seconds delays the link and nothing else", required),
  { timeout: 120_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const { home } = await scene(stack, (ip) => ({ tag: "address", ip, after: seconds(3) }), "options timeout:10");
    await home.enter();
    await home.delivered(PATIENCE_MS);
    expect(home.broker.connects).toBe(1);
  },
);

it.skipIf(!required.available)(
  titled("F26 a name service that never answers does not keep readings from the disk", required),
  { timeout: 240_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    // As a home router hands it out: a look-up takes glibc 2 attempts x 3 servers x 5 s, longer than the hub waits.
    const { home, names } = await scene(
      stack,
      () => ({ tag: "silence" }),
      "nameserver 198.18.255.1\nnameserver 198.18.255.2",
    );
    const until90 = performance.now() + 90_000;
    let slowest = 0;
    while (performance.now() < until90) {
      const since = performance.now();
      await home.enter();
      slowest = Math.max(slowest, performance.now() - since);
      await clock.sleep(seconds(2), new AbortController().signal);
    }
    expect(slowest).toBeLessThan(5000);
    expect(home.broker.connects).toBe(0);
    names.answer({ tag: "address", ip: home.network.region });
    await home.delivered(PATIENCE_MS * 2);
    expect(home.region.counts()).toMatchObject(onceEach(home));
  },
);

it.skipIf(!required.available)(
  titled("F26 a name service that lies gives away nothing: the name and its authority are checked", required),
  { timeout: 180_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const { home, names } = await scene(stack, () => ({ tag: "silence" }));
    const { elsewhere } = home.network;
    const stranger = await createCertificateAuthority("stranger", epochMs(Date.now()));
    const imposters = [
      {
        tls: await home.authority.server({ names: ["other.region.test"] }),
        sentence: "its certificate is for another name",
      },
      {
        tls: await stranger.server({ names: ["broker.region.test"] }),
        sentence: "from an authority that this hub does not trust",
      },
    ];
    for (const { tls, sentence } of imposters) {
      const { port } = home.broker;
      await using imposter = await createScriptedBroker({
        behaviour: wellBehaved,
        tls: { ...tls, ca: home.authority.certificate },
        clock,
        host: elsewhere,
        port,
      });
      names.answer({ tag: "address", ip: elsewhere });
      await says(home, sentence);
      await home.enter();
      expect(imposter.connects).toBe(0);
    }
    names.answer({ tag: "address", ip: home.network.region });
    await home.delivered(PATIENCE_MS * 3);
    expect(home.region.counts()).toMatchObject(onceEach(home));
  },
);
