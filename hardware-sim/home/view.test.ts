import { describe, expect, it } from "vitest";
import { type Millis, millis } from "../../protocol/time.ts";
import type { HomeEvent } from "./home-event.ts";
import { renderView } from "./render-view.ts";
import { emptyView, nextView, type ViewState } from "./view-state.ts";

const SIZE = { columns: 80, rows: 24 };
const NOW = { elapsed: millis(83_000), rssMb: 71.4 };

const start = emptyView("day, seed 1", [
  { name: "scale", title: "weighing scale", retains: false },
  { name: "cuff", title: "blood pressure cuff", retains: true },
]);

type Untimed = HomeEvent extends infer E ? (E extends HomeEvent ? Omit<E, "at"> : never) : never;
const viewOf = (...events: readonly (readonly [at: number, event: Untimed])[]): ViewState =>
  events.reduce((state, [at, event]) => nextView(state, { at: at as Millis, ...event } as HomeEvent), start);

const taken = (sensor: string, number: number, shown: string): Untimed => ({ event: "taken", sensor, number, shown });
const stored = (sensor: string, seq: number): Untimed => ({ event: "stored", sensor, seq, kind: "body-weight" });

const journey: readonly (readonly [number, Untimed])[] = [
  [0, { event: "hub", state: "started", pid: 4711 }],
  [500, { event: "hub", state: "ready", pid: 4711 }],
  [600, { event: "link", state: "up", detail: "mqtt5" }],
  [1000, taken("scale", 1, "72.35 kg")],
  [1020, stored("scale", 1)],
  [1030, { event: "sent", firstSeq: 1, lastSeq: 1, count: 1 }],
  [1044, { event: "receipted", sensor: "scale", seq: 1, latencyMs: 44 }],
];

describe("live view", () => {
  it("follows a reading from taken to receipted", () => {
    const lines = renderView(viewOf(...journey), NOW, SIZE);
    const text = lines.join("\n");
    expect(text).toContain("Hub ready, pid 4711, 71 MB");
    expect(text).toContain("Link up (mqtt5)");
    expect(text).toContain("01:23");
    expect(text).toMatch(/taken 1 {3}stored 1 {3}sent 1 {3}receipted 1 {3}backlog 0 +median 44 ms/);
    expect(lines.find((line) => line.includes("+20 ms"))).toMatch(
      /^ {4}1 scale +72\.35 kg +\+20 ms +\+30 ms +\+44 ms +44 ms$/,
    );
    expect(lines.find((line) => line.startsWith("weighing scale"))).toMatch(/72\.35 kg +1 +1$/);
    expect(text).toContain("s scale");
  });

  it("gives a stored reading to the oldest measurement of a sensor that keeps them, else to the newest", () => {
    const rowsOf = (sensor: string) =>
      viewOf([1, taken(sensor, 1, "first")], [2, taken(sensor, 2, "second")], [3, stored(sensor, 9)]).rows.map(
        (row) => row.seq,
      );
    expect(rowsOf("cuff")).toEqual([9, null]);
    expect(rowsOf("scale")).toEqual([null, 9]);
  });

  it("joins a reading that was stored before its measurement was noticed", () => {
    const { rows } = viewOf([1, stored("scale", 5)], [2, taken("scale", 1, "72.35 kg")]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ seq: 5, shown: "72.35 kg", takenAt: 2, storedAt: 1 });
  });

  it("shows what is wrong: network, hub, cable, and the last complaint", () => {
    const state = viewOf(
      ...journey,
      [2000, { event: "network", state: "cut" }],
      [2100, { event: "hub", state: "ended", code: null, signal: "SIGKILL" }],
      [2200, { event: "cable", sensor: "scale", plugged: false }],
      [2300, { event: "complaint", from: "hub", text: "link refused" }],
    );
    const text = renderView(state, { ...NOW, rssMb: 0 }, SIZE).join("\n");
    expect(text).toContain("Network cut");
    expect(text).toContain("Hub down");
    expect(text).toContain("Link down (hub is down)");
    expect(text).toContain("weighing scale (unplugged)");
    expect(text).toContain("00:02 hub: link refused");
  });

  it("shows what runs and how far an update is, and what became of it", () => {
    const running = { slot: "base", counter: 0 };
    const of = { campaign: "release-1", counter: 1, reason: null };
    const textOf = (...more: readonly (readonly [number, Untimed])[]): string =>
      renderView(viewOf(...journey, ...more), NOW, SIZE).join("\n");
    expect(textOf()).not.toContain("Release");
    expect(textOf([2000, { event: "release", state: "downloading", ...of, running }])).toContain(
      "Release base  |  update: downloading release-1",
    );
    const held = { ...of, reason: "measuring" };
    expect(textOf([2000, { event: "release", state: "waiting-window", ...held, running }])).toContain(
      "update: waiting-window release-1, measuring",
    );
    const trial = { slot: "trial", counter: 1 };
    expect(textOf([2000, { event: "release", state: "trial", ...of, running: trial }])).toContain(
      "Release 1, on trial",
    );
    const ended = {
      event: "release-ended",
      result: "rolled-back",
      counter: 2,
      content: "broken",
      reason: "crashed",
    } as const;
    expect(textOf([2000, ended])).toContain("00:02 hub: release 2 (broken) is rolled-back (crashed)");
    expect(textOf([2000, { event: "rest", sensors: ["scale"] }])).toMatch(
      /wired sensors rest\n.*patient: rests what is wired .*\(scale\)/s,
    );
  });

  it.each([
    { columns: 80, rows: 24 },
    { columns: 120, rows: 50 },
    { columns: 211, rows: 30 },
    { columns: 40, rows: 10 },
    { columns: 1, rows: 1 },
  ])("is exactly as high as the terminal and never wider: $columns x $rows", (size) => {
    const many = Array.from({ length: 300 }, (_, index) => [index, taken("scale", index, "x".repeat(200))] as const);
    const long = [400, { event: "complaint", from: "hub", text: "y".repeat(500) }] as const;
    const lines = renderView(viewOf(...many, long), NOW, size);
    expect(lines).toHaveLength(size.rows);
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(size.columns);
      expect([...line].every((letter) => letter >= " " && letter !== "\u007f")).toBe(true);
    }
  });

  it("keeps the keys in the last line and the latest readings above them", () => {
    const many = Array.from({ length: 40 }, (_, index) => [index, taken("scale", index, `weight-${index}`)] as const);
    const lines = renderView(viewOf(...many), NOW, SIZE);
    expect(lines.at(-1)).toMatch(/^n net .* u update .*q quit$/);
    expect(lines.join("\n")).toContain("weight-39");
    expect(lines.join("\n")).not.toContain("weight-2 ");
  });

  it("holds a bounded number of rows, latencies and messages", () => {
    const events = Array.from({ length: 1000 }, (_, index) => [
      [index, taken("scale", index, "x")] as const,
      [index, { event: "receipted", sensor: "scale", seq: index, latencyMs: 1 }] as const,
      [index, { event: "complaint", from: "hub", text: "x" }] as const,
    ]).flat();
    const state = viewOf(...events);
    expect(state.taken).toBe(1000);
    expect(Math.max(state.rows.length, state.latencies.length, state.messages.length)).toBeLessThanOrEqual(500);
  });
});
