import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { openSqliteOutbox, SETTLE_WITHIN } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryOutbox, createMemoryOutboxDisk } from "../../hardware-sim/ports/memory-outbox.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";

/** Numbers are fractions of the newest one, so that receipts mostly name what exists, and sometimes what does not. */
const share = fc.double({ min: 0, max: 1.05, noNaN: true });

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ tag: fc.constant("append"), readings: fc.array(fc.nat(60), { maxLength: 8 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      tag: fc.constant("settle"),
      through: share,
      refused: fc.array(share, { maxLength: 3 }),
      missing: fc.array(fc.tuple(share, share), { maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant("wait") }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant("restart") }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant("crash") }) },
);

type Step =
  | { tag: "append"; readings: number[] }
  | { tag: "settle"; through: number; refused: number[]; missing: [number, number][] }
  | { tag: "wait" | "restart" | "crash" };

/** The refusal is on the disk when the region asks for the reading again and the process is killed. */
const refusedAndAskedForAgain: Step[] = [
  { tag: "append", readings: [0] },
  { tag: "settle", through: 0, refused: [0], missing: [] },
  { tag: "append", readings: [1] },
  { tag: "settle", through: 0, refused: [], missing: [[0, 0]] },
  { tag: "crash" },
];

const receiptOf = (one: Extract<Step, { tag: "settle" }>, newest: number): Receipt => {
  const at = (fraction: number): number => Math.max(1, Math.round(fraction * newest));
  return receipt(
    Math.round(one.through * newest),
    one.refused.map((fraction) => [at(fraction), "no"]),
    one.missing.map(([a, b]) => [at(Math.min(a, b)), at(Math.max(a, b))]),
  );
};

const seen = async (outbox: Outbox) => ({
  depth: outbox.depth(),
  ascending: await outbox.next(0, 1000),
  descending: (await outbox.newest(null, 1000)).map(({ seq }) => seq),
  middle: (await outbox.next(3 as Seq, 2)).map(({ seq }) => seq),
});

it("does what the model does, whatever is appended, settled, repeated, closed or cut off", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const base = await mkdtemp(join(tmpdir(), "hemhub-model-"));
      const clock = createSimulatedClock();
      let directory = join(base, "0");
      const open = () => openSqliteOutbox({ directory, clock, logger: silentLogger });
      const model = createMemoryOutbox(createMemoryOutboxDisk());
      const receipts: Receipt[] = [];
      let real = await open();
      try {
        for (const [n, one] of (steps as Step[]).entries()) {
          if (one.tag === "append") {
            const readings = one.readings.map(sampleReading);
            expect(await real.append(readings)).toEqual(await model.append(readings));
          } else if (one.tag === "settle") {
            const sent = receiptOf(one, model.depth().newest ?? 0);
            const settlement = await model.settle(sent);
            if (!settlement.unknown) receipts.push(sent);
            expect(await real.settle(sent)).toEqual(settlement);
          } else if (one.tag === "wait") {
            await clock.advance(SETTLE_WITHIN);
          } else if (one.tag === "restart") {
            await real[Symbol.asyncDispose]();
            real = await open();
          } else {
            // The files as a process leaves them that is killed now: what the region has may wait again, and nothing else.
            const copy = join(base, `${n + 1}`);
            await cp(directory, copy, { recursive: true });
            await real[Symbol.asyncDispose]();
            directory = copy;
            real = await open();
            expect(real.recovered).toBeNull();
            const again = (await real.next(0, 1000)).map(({ seq }) => seq);
            const waiting = (await model.next(0, 1000)).map(({ seq }) => seq);
            expect(again).toEqual(expect.arrayContaining(waiting));
            for (const old of receipts) await real.settle(old);
          }
          expect(await seen(real)).toEqual(await seen(model));
        }
      } finally {
        await real[Symbol.asyncDispose]();
        await rm(base, { recursive: true, force: true });
      }
    }),
    { numRuns: 60, examples: [[refusedAndAskedForAgain]] },
  );
}, 120_000);
