import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { toHex } from "../../protocol/bytes.ts";
import { channelId } from "../../protocol/ids.ts";
import { until } from "../support/until.ts";
import { CUFF, hear, isMissing, never, startHome, titled } from "./bluez-home.ts";
import { nextOf, valuesOf } from "./hub-side.ts";

const MEASUREMENT = channelId("2a35");
const WARM_UP = 50;
const SESSIONS = 200;
/** A link that is kept is 20 kB or more; what the engine compiles meanwhile is 1 to 3 kB a session. */
const BYTES_A_SESSION = 8192;

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

const heap = (): number => {
  if (typeof collectGarbage === "function") collectGarbage();
  return process.memoryUsage().heapUsed;
};

it.skipIf(isMissing)(
  titled(`reads a bonded cuff ${SESSIONS} times over BlueZ without a match rule, listener or subscription more`),
  async () => {
    await using home = await startHome();
    const { radio, bluez, daemon, clock } = home;
    await radio.start(never);
    const cuff = bluez.sensor({ address: "C0:26:DA:00:00:01", characteristics: CUFF, paired: true });
    const hub = bluez.agentOf(null)?.owner ?? "";
    const rulesOfHub = async (): Promise<readonly string[]> => (await daemon.matchRules()).get(hub) ?? [];
    const rules = await rulesOfHub();
    expect(rules).toHaveLength(2);
    let warm = 0;

    for (let session = 1; session <= SESSIONS; session++) {
      cuff.connectsQuietly = session % 3 === 0;
      const link = await radio.connect(await hear(home, cuff), never);
      await link.subscribe(MEASUREMENT, never);
      const hex = session.toString(16).padStart(4, "0");
      expect(cuff.send("2a35", hex)).toBe(true);
      expect(toHex((await nextOf(valuesOf(link))).bytes)).toBe(hex);
      // Every other cuff hangs up by itself; BlueZ keeps its subscription then, for the next time.
      if (session % 2 === 0) {
        cuff.hangUp();
        await until(() => link.lost.aborted, "the link is lost");
      }
      await link[Symbol.asyncDispose]();
      expect(clock.sleeping).toBe(0);
      bluez.calls.length = 0;
      if (session === WARM_UP) warm = heap();
    }

    expect(await rulesOfHub()).toEqual(rules);
    expect(getEventListeners(never, "abort")).toEqual([]);
    expect([...bluez.notifying.values()].reduce((sum, owners) => sum + owners.size, 0)).toBeLessThanOrEqual(1);
    expect((heap() - warm) / (SESSIONS - WARM_UP)).toBeLessThan(BYTES_A_SESSION);
    expect(radio.state).toBe("ready");
  },
);
