import { describe, expect, it } from "vitest";
import { HubError } from "../../protocol/errors.ts";
import { encodeMessage, type Receipt } from "../../protocol/messages.ts";
import type { Outbox, Settlement } from "../../protocol/ports/outbox.ts";
import { createReceiptDesk, joinReceipts } from "./receipt-desk.ts";

const receipt = (through: number, missing: [number, number][] = [], refused: number[] = []): Receipt =>
  ({ series: null, through, missing, refused: refused.map((seq) => ({ seq, reason: "no" })) }) as unknown as Receipt;

const settlement: Settlement = { settled: 1, refused: 0, resend: [], unknown: false };

describe("joining receipts", () => {
  it("lets the later one speak, with the refusals of both", () => {
    expect(joinReceipts(receipt(5, [[2, 3]], [4]), receipt(9, [[8, 8]], [7]))).toEqual(receipt(9, [[8, 8]], [7, 4]));
  });

  it("does not refuse what is refused twice or asked for again", () => {
    expect(joinReceipts(receipt(5, [], [1, 4]), receipt(5, [[1, 2]], [4]))).toEqual(receipt(5, [[1, 2]], [4]));
  });

  it("does not join where the later one knows less", () => {
    expect(joinReceipts(receipt(9), receipt(5))).toBeNull();
  });
});

describe("the receipt desk", () => {
  const make = (settle: (receipt: Receipt) => Promise<Settlement>) => {
    const told: string[] = [];
    const outbox = { depth: () => ({ newest: 1000 }), settle } as unknown as Outbox;
    const desk = createReceiptDesk(outbox, {
      applied: ({ through }) => told.push(`applied ${through}`),
      ignored: (why) => told.push(`ignored ${why}`),
      failed: (thrown) => told.push(`failed ${(thrown as HubError).code}`),
    });
    return { desk, told };
  };

  it("applies one at a time, and together what comes meanwhile", async () => {
    const settled: number[] = [];
    const gate = Promise.withResolvers<void>();
    const { desk, told } = make(async ({ through }) => {
      settled.push(through);
      await gate.promise;
      return settlement;
    });
    for (let through = 1; through <= 500; through++) await desk.take(encodeMessage(receipt(through)));
    gate.resolve();
    await desk.idle();
    expect(settled).toEqual([1, 500]);
    expect(told).toEqual(["applied 1", "applied 500"]);
  });

  it("lets the link wait while too much waits for the disk", async () => {
    const gate = Promise.withResolvers<void>();
    const { desk } = make(async () => {
      await gate.promise;
      return settlement;
    });
    const many = Array.from({ length: 900 }, (_, index): [number, number] => [index + 1, index + 1]);
    let taken = 0;
    const flood = (async (): Promise<void> => {
      for (let through = 999; through > 900; through--) {
        await desk.take(encodeMessage(receipt(through, many)));
        taken += 1;
      }
    })();
    for (let i = 0; i < 300; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBeLessThan(30);
    gate.resolve();
    await flood;
    await desk.idle();
    expect(taken).toBe(99);
  });

  it("tells what it could not apply, and goes on", async () => {
    let full = true;
    const { desk, told } = make(async () => {
      if (full) throw new HubError("outbox-disk-full", "outbox settle: disk full");
      return settlement;
    });
    await desk.take(encodeMessage(receipt(1)));
    await desk.idle();
    full = false;
    await desk.take(encodeMessage(receipt(2)));
    await desk.take(encodeMessage(receipt(1001)));
    await desk.take(new Uint8Array([0x7b]));
    await desk.idle();
    expect(told).toEqual(["failed outbox-disk-full", "applied 2", "ignored unknown", "ignored malformed"]);
  });
});
