import { expect, it } from "vitest";
import type { SensorView } from "../diagnostics/hub-view.ts";
import { type CareSources, measuringNow } from "./care-signs.ts";

const nothing = { waiting: [], form: null };
const sources = (more: {
  held?: string;
  inMemory?: number;
  state?: SensorView["state"];
  typing?: boolean;
}): CareSources =>
  ({
    leases: { held: () => (more.held === undefined ? null : { what: more.held, since: 0 }) },
    sensors: { sensors: () => [{ id: "cuff", state: more.state ?? "waiting" }] },
    entries: {
      socket: { unfinished: nothing },
      console: { unfinished: more.typing === true ? { ...nothing, form: {} } : nothing },
    },
    ingest: { status: () => ({ held: more.inMemory ?? 0 }) },
  }) as unknown as CareSources;

it("a hub that only waits for sensors measures nothing", () => {
  expect(measuringNow(sources({}))).toBeNull();
  expect(measuringNow(sources({ state: "connected" }))).toBeNull();
});

it.each([
  [{ held: "sensor cuff" }, "sensor cuff is measuring"],
  [{ inMemory: 2 }, "readings wait in memory because the disk does not take them"],
  [{ state: "pairing" } as const, "sensor cuff is being paired"],
  [{ typing: true }, "somebody is entering a reading by hand"],
])("what a restart would interrupt is named: %o", (more, words) => {
  expect(measuringNow(sources(more))).toBe(words);
});
