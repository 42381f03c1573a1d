import { describe, expect, it } from "vitest";
import { STEPS } from "../../region/campaign/campaign.ts";
import { runCampaign } from "./campaign-fleet.ts";

const fleet = { hubs: 5000, lossy: 0.1, away: 0.1 } as const;
/** Hubs that a step asks for, drawn by a hash: those that are meant and four standard deviations. */
const mostAt = (bucketMax: number): number => {
  const meant = (fleet.hubs * bucketMax) / 10_000;
  return meant + 4 * Math.sqrt(meant);
};

describe("a campaign among 5000 hubs, of whose messages a tenth each is lost, late and repeated", () => {
  it("reaches everybody with a good release, a step a day at most", () => {
    const { record, decisions, hours, asked } = runCampaign({ ...fleet, seed: 1, badShare: 0 });
    expect(record.phase.tag).toBe("complete");
    expect(asked).toBe(5000);
    expect(decisions.filter(({ tag }) => tag === "widen")).toHaveLength(STEPS.length - 1);
    expect(hours).toBeGreaterThanOrEqual(24 * STEPS.length);
  });

  it.each([1, 3, 4])("stops a release that works nowhere within its first step (seed %i)", (seed) => {
    const { record, got, asked, bucketMaxAtEnd } = runCampaign({ ...fleet, seed, badShare: 1 });
    expect(record.phase).toMatchObject({ tag: "stopped", step: 0 });
    expect(bucketMaxAtEnd).toBe(10);
    expect(got).toBeGreaterThanOrEqual(2);
    expect(got).toBeLessThanOrEqual(asked);
    expect(got).toBeLessThanOrEqual(mostAt(10));
  });

  it.each([
    [0.2, 1],
    [0.2, 2],
    [0.05, 1],
    [0.05, 2],
    [0.03, 1],
  ])(
    "does not bring a release that fails at %f of the hubs to more than a tenth of them (seed %i)",
    (badShare, seed) => {
      const { record, got, asked, bucketMaxAtEnd, decisions } = runCampaign({ ...fleet, seed, badShare });
      // Stopped, or waiting for a person since the first failure of a small step.
      if (record.phase.tag === "running") expect(decisions.at(-1)).toMatchObject({ tag: "hold" });
      else expect(record.phase.tag).toBe("stopped");
      expect(bucketMaxAtEnd).toBeLessThanOrEqual(1000);
      expect(got).toBeLessThanOrEqual(asked);
      expect(got).toBeLessThanOrEqual(mostAt(bucketMaxAtEnd));
    },
  );
});
