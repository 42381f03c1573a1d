import fc from "fast-check";

/** Everything that can happen to readings between the disk and their effect at the region. */
export type Happening =
  /** `again`: so many of them are repetitions of earlier ones, as a sensor that is read twice gives them. */
  | { readonly tag: "append"; readonly count: number; readonly again: number }
  | { readonly tag: "time"; readonly span: number }
  /** The broker. */
  | { readonly tag: "cut" }
  | { readonly tag: "hold-pubacks" }
  | { readonly tag: "answer-in-reverse" }
  | { readonly tag: "lose-pubacks" }
  | { readonly tag: "drop-on-the-way" }
  | { readonly tag: "deliver-twice" }
  | { readonly tag: "deliver-old"; readonly which: number }
  | { readonly tag: "broker-refuses"; readonly scope: "message" | "quota" | "topic" }
  | { readonly tag: "no-subscriber" }
  | { readonly tag: "well-again" }
  /** The region. */
  | { readonly tag: "receipts"; readonly faults: "silent" | "lossy" | "slow" | "none" }
  | { readonly tag: "stale-receipt"; readonly which: number }
  | { readonly tag: "partial-receipt"; readonly share: number }
  | { readonly tag: "receipt-of-another-series" }
  | { readonly tag: "receipt-of-the-future" }
  | { readonly tag: "broken-receipt"; readonly bytes: Uint8Array }
  /** The hub: stopped in order, or killed. */
  | { readonly tag: "restart" }
  | { readonly tag: "kill" };

const share = fc.double({ min: 0, max: 1, noNaN: true });

export const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      tag: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 30 }),
      again: fc.integer({ min: 0, max: 3 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ tag: fc.constant("time" as const), span: fc.integer({ min: 1, max: 90_000 }) }) },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant("deliver-old" as const), which: share }) },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant("stale-receipt" as const), which: share }) },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant("partial-receipt" as const), share }) },
  {
    weight: 1,
    arbitrary: fc.record({ tag: fc.constant("broken-receipt" as const), bytes: fc.uint8Array({ maxLength: 60 }) }),
  },
  {
    weight: 16,
    arbitrary: fc.constantFrom<Happening>(
      { tag: "cut" },
      { tag: "hold-pubacks" },
      { tag: "answer-in-reverse" },
      { tag: "lose-pubacks" },
      { tag: "drop-on-the-way" },
      { tag: "deliver-twice" },
      { tag: "broker-refuses", scope: "message" },
      { tag: "broker-refuses", scope: "quota" },
      { tag: "broker-refuses", scope: "topic" },
      { tag: "no-subscriber" },
      { tag: "well-again" },
      { tag: "well-again" },
      { tag: "receipts", faults: "silent" },
      { tag: "receipts", faults: "lossy" },
      { tag: "receipts", faults: "slow" },
      { tag: "receipts", faults: "none" },
      { tag: "restart" },
      { tag: "kill" },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Happening>({ tag: "receipt-of-another-series" }, { tag: "receipt-of-the-future" }),
  },
);
