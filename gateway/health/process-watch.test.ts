import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { minutes } from "../../protocol/time.ts";
import { createProcessHealth, type ProcessHealth } from "./process-health.ts";
import { createProcessWatch } from "./process-watch.ts";

interface Look {
  readonly open: number | null;
  readonly blockedMs: number;
}

const reportsOf = async (looks: readonly Look[]): Promise<readonly string[]> => {
  const clock = createSimulatedClock();
  const reports: string[] = [];
  let at = 0;
  const now = (): Look => looks[Math.min(at, looks.length - 1)] ?? { open: null, blockedMs: 0 };
  const health: ProcessHealth = {
    sample: () => ({ uptimeS: 1, rssMb: 1, loopLagMs: 0, openFiles: null }),
    files: () => ({ open: now().open, limit: 100 }),
    longestBlockMs: () => now().blockedMs,
    [Symbol.dispose]: () => undefined,
  };
  const watch = createProcessWatch({
    health,
    clock,
    report: (code, _message, detail) => reports.push(`${at} ${code} ${String(detail.state)}`),
  });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  for (at = 1; at < looks.length; at += 1) await clock.advance(minutes(1));
  stop.abort();
  await running;
  return reports;
};

const calm = { open: 30, blockedMs: 20 };

it("F55: says that open files run out, once, and that they are free again", async () => {
  const reports = await reportsOf([calm, { ...calm, open: 85 }, { ...calm, open: 99 }, { ...calm, open: 70 }, calm]);
  expect(reports).toEqual(["1 hub-fault open-files", "4 hub-fault recovered"]);
});

it("F56: says how long the hub stood still, and nothing of a short block", async () => {
  expect(await reportsOf([calm, { ...calm, blockedMs: 4000 }, { ...calm, blockedMs: 6000 }, calm])).toEqual([
    "2 hub-fault blocked",
  ]);
});

it("tells files and blocks of this process", () => {
  using health = createProcessHealth();
  const { open, limit } = health.files();
  expect(open).toBeGreaterThan(2);
  expect(limit).toBeGreaterThan(open ?? 0);
  expect(health.longestBlockMs()).toBeGreaterThanOrEqual(0);
});
