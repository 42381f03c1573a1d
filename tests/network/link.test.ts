import { expect, it } from "vitest";
import { titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { networkRequirement } from "./support/able.ts";
import { isUp, onceEach, startHubAtHome } from "./support/hub-at-home.ts";

const required = networkRequirement();
/** Asked for by the broker; MQTT 5.0, 3.1.2.10: one and a half of it is the longest silence. */
const KEEPALIVE_S = 2;
/** For the machine that runs the tests. The exact time is shown in simulated time (tests/forward/). */
const SLACK_MS = 12_000;
const PATIENCE_MS = 60_000;

it.skipIf(!required.available)(
  titled(
    "F21 a link that swallows or resets is noticed, and what was under way is sent again, once in effect",
    required,
  ),
  { timeout: 240_000 },
  async () => {
    await using home = await startHubAtHome({ waiting: 5, keepaliveS: KEEPALIVE_S });
    const { network, hub } = home;
    await home.delivered(PATIENCE_MS);

    const downs = (): number => home.lines.filter(({ tag }) => tag === "link-down").length;
    await network.firewall("drop");
    const silentSince = performance.now();
    for (let i = 0; i < 3; i++) await home.enter();
    await until(() => downs() === 1, "the hub notices the silence", PATIENCE_MS);
    expect(performance.now() - silentSince).toBeLessThan(1.5 * KEEPALIVE_S * 1000 + SLACK_MS);
    expect((await home.link()).lastError?.message).toContain("silent for 1.5 keepalives");
    await network.firewall();
    await home.delivered(PATIENCE_MS);

    await isUp(home);
    await network.firewall("meta l4proto tcp reject with tcp reset");
    await home.enter();
    await until(() => downs() >= 2, "the hub notices the reset", PATIENCE_MS);
    // By the reset itself, and not by the next look of the keepalive.
    expect((await home.link()).lastError?.message).toContain("closed the connection");
    await home.enter();
    await network.firewall();
    await home.delivered(PATIENCE_MS);

    expect(home.region.counts()).toMatchObject(onceEach(home));
    expect(hub.starts).toBe(1);
  },
);
