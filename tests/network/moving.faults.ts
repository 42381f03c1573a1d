import { expect, it } from "vitest";
import { titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { networkRequirement } from "./support/able.ts";
import type { HomeNetwork } from "./support/home-network.ts";
import { isUp, onceEach, startHubAtHome } from "./support/hub-at-home.ts";

const required = networkRequirement();
const KEEPALIVE_S = 2;
const SLACK_MS = 12_000;

const MOVES: readonly (readonly [what: string, move: (network: HomeNetwork) => Promise<void>])[] = [
  ["gets another address", (network) => network.lease(11)],
  ["goes over from cable to Wi-Fi", (network) => network.goOver("wlan0")],
];

it.skipIf(!required.available).each(MOVES)(
  titled("F19 a hub that %s goes on, and nothing is lost or twice in effect", required),
  { timeout: 300_000 },
  async (_what, move) => {
    await using home = await startHubAtHome({ waiting: 5, keepaliveS: KEEPALIVE_S });
    const { network, broker } = home;
    await home.delivered(60_000);
    await move(network);
    const movedAt = performance.now();
    await home.enter();
    await until(() => home.lines.some(({ tag }) => tag === "link-down"), "the hub notices", 60_000);
    expect(performance.now() - movedAt).toBeLessThan(1.5 * KEEPALIVE_S * 1000 + SLACK_MS);
    await isUp(home);
    await home.enter();
    await home.delivered(60_000);
    expect(broker.connects).toBeGreaterThanOrEqual(2);
    expect(home.region.counts()).toMatchObject(onceEach(home));
  },
);

it.skipIf(!required.available)(
  titled("F19 a hub that starts without a network keeps readings, and delivers them when there is one", required),
  { timeout: 300_000 },
  async () => {
    await using home = await startHubAtHome({ waiting: 5, prepare: (network) => network.cable("out") });
    await home.enter();
    await until(async () => (await home.link()).state === "backing-off", "the hub finds no way out", 60_000);
    expect((await home.link()).lastError?.code).toMatch(/^link-(unreachable|timeout)$/);
    await home.enter();
    await home.network.cable("in");
    await home.delivered(60_000);
    expect(home.region.counts()).toMatchObject(onceEach(home));
  },
);
