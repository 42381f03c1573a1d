import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { titled } from "../support/requirements.ts";
import { networkRequirement } from "./support/able.ts";
import { onceEach, startHubAtHome } from "./support/hub-at-home.ts";

const required = networkRequirement();
const LASTS_MS = 6 * 60_000;
/** One to sixty seconds, short ones more often: the square of an even draw. */
const spanMs = (fraction: number): number => 1000 + 59_000 * fraction ** 2;
/** A link that comes and goes costs no more of a slow processor than this share of it. */
const MOST_CPU_SHARE = 0.25;

it.skipIf(!required.available)(
  titled(
    "F19 a link that comes and goes every 1 to 60 s loses nothing, repeats nothing in effect, and costs little",
    required,
  ),
  { timeout: 10 * 60_000 },
  async () => {
    const seed = Date.now() % 1_000_000;
    const chance = createChance(seed).fork("flapping");
    await using home = await startHubAtHome({ waiting: 100 });
    const { network, broker } = home;
    const [startedAt, cpuAtStart] = [performance.now(), home.cpuSeconds()];
    let flaps = 0;
    for (
      let state: "in" | "out" = "out";
      performance.now() - startedAt < LASTS_MS;
      state = state === "in" ? "out" : "in"
    ) {
      await network.cable(state);
      flaps += 1;
      const end = Math.min(performance.now() + spanMs(chance.fraction()), startedAt + LASTS_MS);
      while (performance.now() < end) {
        await home.enter();
        await pause(Math.min(1000, Math.max(0, end - performance.now())));
      }
    }
    const elapsedS = (performance.now() - startedAt) / 1000;
    const cpuShare = (home.cpuSeconds() - cpuAtStart) / elapsedS;
    const attempts = await network.attempts();
    await network.cable("in");
    await home.delivered(120_000);
    const told = `seed ${seed}: ${flaps} flaps, ${broker.connects} links, ${attempts} attempts, cpu ${cpuShare.toFixed(3)}`;
    expect(home.region.counts(), told).toMatchObject(onceEach(home));
    expect(broker.connects, told).toBeGreaterThan(2);
    // The shortest pause is a second, and TCP repeats a first packet that nobody answers.
    expect(attempts, told).toBeLessThan(elapsedS);
    expect(cpuShare, told).toBeLessThan(MOST_CPU_SHARE);
    expect(home.hub.starts, told).toBe(1);
  },
);
