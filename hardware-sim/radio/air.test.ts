import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../protocol/time.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { radioAddress } from "./address.ts";
import { type Advertiser, createAir } from "./air.ts";

const OWN = radioAddress("00:00:5e:00:53:01");
const CUFF = radioAddress("00:00:5e:00:53:10");

describe("air", () => {
  it("repeats itself with the same seed and differs with another", async () => {
    const run = async (seed: number): Promise<string> => {
      const clock = createSimulatedClock();
      const air = createAir({ clock, seed, loss: 0.5 });
      const heard: string[] = [];
      const tuner = air.tune({
        address: OWN,
        heard: (one) => heard.push(`${clock.elapsed().toFixed(3)} ${one.rssiDbm}`),
      });
      tuner.scan("active");
      const stop = new AbortController();
      const ended = air
        .advertise(
          {
            address: CUFF,
            interval: millis(100),
            connectable: true,
            data: new Uint8Array(),
            scanResponse: null,
            accept: () => {
              throw new Error("nobody connects");
            },
          },
          stop.signal,
        )
        .catch(() => "stopped");
      await clock.advance(seconds(5));
      stop.abort();
      expect(await ended).toBe("stopped");
      return heard.join("\n");
    };
    const first = await run(1);
    expect(first.split("\n").length).toBeGreaterThan(10);
    expect(await run(1)).toBe(first);
    expect(await run(2)).not.toBe(first);
  });

  it("serves two controllers: both hear, and only one connects", async () => {
    const clock = createSimulatedClock();
    const air = createAir({ clock, seed: 3 });
    const parameters = { interval: 24, latency: 0, timeout: 500 };
    const links: string[] = [];
    const session = { receive: () => undefined, closed: () => undefined };
    const tuners = ["00:00:5e:00:53:02", "00:00:5e:00:53:03"].map((address) => {
      const tuner = air.tune({ address: radioAddress(address), heard: () => links.push(`heard ${address}`) });
      tuner.scan("passive");
      return { address, tuner };
    });
    const advertiser: Advertiser = {
      address: CUFF,
      interval: millis(30),
      connectable: true,
      data: new Uint8Array(),
      scanResponse: null,
      accept: () => session,
    };
    const end = air.advertise(advertiser, new AbortController().signal);
    await clock.advance(millis(30));
    expect(links.toSorted()).toEqual(["heard 00:00:5e:00:53:02", "heard 00:00:5e:00:53:03"]);
    for (const { address, tuner } of tuners) {
      tuner.scan("off");
      tuner.initiate(CUFF, parameters, () => {
        links.push(`linked ${address}`);
        return session;
      });
    }
    await clock.advance(millis(100));
    expect(links.filter((one) => one.startsWith("linked"))).toEqual(["linked 00:00:5e:00:53:02"]);
    expect((await end).central.address).toBe("00:00:5e:00:53:02");
    expect(tuners.map(({ tuner }) => tuner.cancel())).toEqual([false, true]);
  });
});
