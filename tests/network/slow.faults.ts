import { expect, it } from "vitest";
import { seconds } from "../../protocol/time.ts";
import { titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { networkRequirement } from "./support/able.ts";
import { isUp, onceEach, startHubAtHome } from "./support/hub-at-home.ts";

const required = networkRequirement();
const MINUTE = 60_000;

it.skipIf(!required.available)(
  titled("F22 a link that loses every fifth packet delivers", required),
  { timeout: 9 * MINUTE },
  async () => {
    await using home = await startHubAtHome({
      waiting: 300,
      prepare: (network) => network.firewall("numgen random mod 100 < 20 drop"),
    });
    await isUp(home);
    for (let i = 0; i < 20; i++) await home.enter();
    await home.delivered(6 * MINUTE);
    expect(home.region.counts()).toMatchObject(onceEach(home));
    // TCP repairs the loss; now and then it takes longer than the hub waits.
    expect(home.broker.connects).toBeLessThanOrEqual(6);
  },
);

it.skipIf(!required.available)(
  titled("F22 a link of 9.6 kbit/s delivers in small messages, and a new reading overtakes what waits", required),
  { timeout: 9 * MINUTE },
  async () => {
    await using home = await startHubAtHome({ waiting: 120, prepare: (network) => network.rate(9600) });
    const { broker, region, messages } = home;
    await until(() => region.counts().accepted >= 20, "the backlog is under way", 3 * MINUTE);
    await home.enter();
    const enteredAt = performance.now();
    const isLive = () => region.accepted().some(({ reading }) => reading.kind === "glucose");
    await until(isLive, "the new reading has arrived", MINUTE);
    expect(region.counts().accepted).toBeLessThan(home.given);
    // Two messages of 4 kB are before it at 1.2 kB/s, and its own message.
    expect(performance.now() - enteredAt).toBeLessThan(30_000);
    await home.delivered(6 * MINUTE);
    expect(region.counts()).toMatchObject({ ...onceEach(home), duplicatesReceived: 0 });
    // One link from start to end: neither PUBACKs nor the keepalive were given up.
    expect(broker.connects).toBe(1);
    const sizes = messages.map(({ bytes }) => bytes);
    expect(Math.max(...sizes.slice(5))).toBeLessThanOrEqual(4 * 1024);
  },
);

it.skipIf(!required.available)(
  titled("F22 a round trip of two seconds costs time and no repetition", required),
  { timeout: 5 * MINUTE },
  async () => {
    await using home = await startHubAtHome({ waiting: 60, roundTrip: seconds(2) });
    for (let i = 0; i < 5; i++) await home.enter();
    await home.delivered(3 * MINUTE);
    expect(home.region.counts()).toMatchObject({ ...onceEach(home), duplicatesReceived: 0 });
    expect(home.broker.connects).toBe(1);
  },
);

it.skipIf(!required.available)(
  titled(
    "a path that swallows large packets is a time-out with a sentence, and delivers once the kernel probes it",
    required,
  ),
  { timeout: 9 * MINUTE },
  async () => {
    await using home = await startHubAtHome({
      waiting: 50,
      // What a tunnel without "fragmentation needed" does to full segments on their way out.
      prepare: (network) => network.firewall('iifname "lan0" meta length > 1300 drop'),
    });
    const { network, broker } = home;
    await until(async () => (await home.link()).lastError?.code === "link-timeout", "the hub gives up", MINUTE);
    expect((await home.link()).lastError?.message).toContain("no connection within 20 s; check the network");
    await home.enter();
    expect(broker.connects).toBe(0);
    await network.run("hub", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/tcp_mtu_probing");
    await home.delivered(4 * MINUTE);
    expect(home.region.counts()).toMatchObject(onceEach(home));
  },
);
