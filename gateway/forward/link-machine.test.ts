import { describe, expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import {
  backoff,
  type LinkEvent,
  type LinkState,
  LONGEST_BACKOFF,
  nextLinkStep,
  SHORTEST_BACKOFF,
  STABLE_AFTER,
} from "./link-machine.ts";

const at = millis(1_000_000);
const failed = (roll = 0.5): LinkEvent => ({ tag: "failed", fault: "network", roll });

describe("the link machine", () => {
  it("connects at once when it starts", () => {
    expect(nextLinkStep({ tag: "stopped" }, { tag: "start" })).toEqual({
      state: { tag: "connecting", failures: 0 },
      effect: { tag: "connect" },
    });
  });

  it("serves a link that opened, and connects again after the wait when it is lost", () => {
    const up = nextLinkStep({ tag: "connecting", failures: 0 }, { tag: "opened", at });
    expect(up).toEqual({ state: { tag: "up", failures: 0, since: at }, effect: { tag: "serve" } });
    const lost = nextLinkStep(up.state, { tag: "lost", fault: "network", at, roll: 1 });
    expect(lost).toEqual({
      state: { tag: "backing-off", failures: 1, delay: 2000 },
      effect: { tag: "wait", delay: 2000 },
    });
    expect(nextLinkStep(lost.state, { tag: "waited" })).toEqual({
      state: { tag: "connecting", failures: 1 },
      effect: { tag: "connect" },
    });
  });

  it("waits twice as long after each failure, up to five minutes, and never less than a second", () => {
    let state: LinkState = { tag: "connecting", failures: 0 };
    const ceilings: number[] = [];
    for (let i = 0; i < 12; i++) {
      ceilings.push(backoff(i + 1, "network", 1));
      expect(backoff(i + 1, "network", 0)).toBe(SHORTEST_BACKOFF);
      const step = nextLinkStep(state, failed());
      state = nextLinkStep(step.state, { tag: "waited" }).state;
    }
    expect(ceilings).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300].map((s) => s * 1000));
    expect(state).toEqual({ tag: "connecting", failures: 12 });
  });

  it("spreads hubs evenly between the shortest delay and the ceiling", () => {
    const delays = Array.from({ length: 100 }, (_, roll) => backoff(9, "network", roll / 100));
    expect(Math.min(...delays)).toBe(SHORTEST_BACKOFF);
    expect(Math.max(...delays)).toBeGreaterThan(LONGEST_BACKOFF * 0.98);
    expect(delays.filter((delay) => delay < LONGEST_BACKOFF / 2).length).toBeGreaterThan(45);
  });

  it.each([
    [STABLE_AFTER - 1, 6],
    [STABLE_AFTER, 1],
  ])("after a link of %i ms counts %i failures", (lasted, failures) => {
    const state: LinkState = { tag: "up", failures: 5, since: at };
    const lost = nextLinkStep(state, { tag: "lost", fault: "network", at: millis(at + lasted), roll: 0 });
    expect(lost.state).toMatchObject({ tag: "backing-off", failures });
  });

  it("leaves a region that says no alone for a while, at its first no already", () => {
    const step = nextLinkStep({ tag: "connecting", failures: 0 }, { tag: "failed", fault: "refused", roll: 0 });
    expect(step.state).toEqual({ tag: "backing-off", failures: 6, delay: 15_000 });
    expect(backoff(6, "refused", 1)).toBe(64_000);
  });

  it("comes back soon after a message that is being isolated, and does not count it", () => {
    const state: LinkState = { tag: "up", failures: 4, since: at };
    expect(nextLinkStep(state, { tag: "lost", fault: "message", at, roll: 1 }).state).toEqual({
      tag: "backing-off",
      failures: 4,
      delay: SHORTEST_BACKOFF,
    });
  });

  it.each<LinkState>([
    { tag: "stopped" },
    { tag: "connecting", failures: 1 },
    { tag: "up", failures: 0, since: at },
    { tag: "backing-off", failures: 1, delay: SHORTEST_BACKOFF },
  ])("stops from $tag", (state) => {
    expect(nextLinkStep(state, { tag: "stop" })).toEqual({ state: { tag: "stopped" }, effect: { tag: "rest" } });
  });

  it("takes an event that cannot happen for a broken invariant", () => {
    expect(() => nextLinkStep({ tag: "stopped" }, { tag: "waited" })).toThrow("waited while stopped");
    expect(() => nextLinkStep({ tag: "connecting", failures: 0 }, { tag: "waited" })).toThrow("while connecting");
    expect(() => nextLinkStep({ tag: "up", failures: 0, since: at }, failed())).toThrow("failed while up");
    expect(() => nextLinkStep({ tag: "backing-off", failures: 1, delay: SHORTEST_BACKOFF }, failed())).toThrow();
  });
});
