import { expect, it } from "vitest";
import { epochMs } from "../../protocol/time.ts";
import { startHub } from "../gateway/support/test-hub.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { DAY, HUB } from "./support/link.ts";
import { CLOCKS, clockThatSays, openRegion } from "./support/region.ts";

const faketime = requirement("faketime");
/** The link waits up to 64 s after it was told that the certificate has expired. */
const PATIENCE = 120_000;

it.skipIf(!faketime.available).each([...CLOCKS, ["with a clock that is right", "+0"] as const])(
  titled("F20, F24: a hub that starts %s with an expired certificate renews it and connects", faketime),
  { timeout: 2 * PATIENCE },
  async (_, clock) => {
    const now = Date.now();
    await using region = await openRegion({ notBefore: epochMs(now - 30 * DAY), notAfter: epochMs(now - DAY) });
    await using hub = await startHub({ region: region.region }, [], clockThatSays(clock));
    await until(() => hub.log.some(({ msg }) => msg === "link up"), "the link is up", PATIENCE);
    expect(region.est.requests).toMatchObject([{ hub: HUB, expired: true }]);
    const { out } = await hub.ask("link", "--json");
    expect(JSON.parse(out).certificate).toMatchObject({ trouble: null });
  },
);
