import { expect, it } from "vitest";
import { hubId, seq } from "../../protocol/ids.ts";
import { epochMs, millis } from "../../protocol/time.ts";
import { hubState, lastWill, type StateParts } from "./hub-state.ts";
import { createProcessHealth } from "./process-health.ts";

const parts: StateParts = {
  hubId: hubId("hub-0042"),
  version: "0.1.0",
  stamp: {
    utc: epochMs(Date.UTC(2026, 5, 15, 12)),
    bootId: "boot-1",
    monoMs: millis(5000),
    hubClock: { state: "ntp", errorMs: 100 },
  },
  depth: { waiting: 3, refused: 1, oldest: seq(4709), newest: seq(4711) },
  certificateEnds: epochMs(Date.UTC(2026, 8, 1)),
  health: { uptimeS: 60, rssMb: 84.1, loopLagMs: 1.5, openFiles: 30 },
  sensors: { configured: 3, ready: 2 },
};

it("tells the region what the hub is, has and waits for", () => {
  expect(hubState(parts)).toEqual({
    schema: "state/1",
    hubId: "hub-0042",
    online: true,
    at: "2026-06-15T12:00:00.000Z",
    bootId: "boot-1",
    versions: { hub: "0.1.0", node: process.versions.node },
    clock: { state: "ntp", errorMs: 100 },
    backlog: { waiting: 3, refused: 1, oldestSeq: 4709 },
    certificate: { notAfter: "2026-09-01T00:00:00.000Z" },
    health: { uptimeS: 60, rssMb: 84.1, loopLagMs: 1.5, sensors: { configured: 3, ready: 2 } },
  });
});

it("says in the last will that the hub is gone, and nothing about a health that would be stale", () => {
  expect(lastWill(hubState(parts))).toMatchObject({ online: false, health: null, backlog: { waiting: 3 } });
});

it("has no time and no certificate where they are not known", () => {
  const unset = hubState({
    ...parts,
    stamp: { ...parts.stamp, utc: null, hubClock: { state: "unset", errorMs: null } },
    certificateEnds: null,
  });
  expect(unset).toMatchObject({ at: null, certificate: null, clock: { state: "unset" } });
});

it("measures this process", () => {
  using health = createProcessHealth();
  const { uptimeS, rssMb, loopLagMs, openFiles } = health.sample();
  expect(uptimeS).toBeGreaterThanOrEqual(0);
  expect(rssMb).toBeGreaterThan(10);
  expect(loopLagMs).toBeGreaterThanOrEqual(0);
  expect(openFiles).toBeGreaterThan(2);
});
