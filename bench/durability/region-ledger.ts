import { createHubAccount, createReadingStore } from "../../hardware-sim/region/hub-account.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Reading } from "../../protocol/reading.ts";
import type { Millis } from "../../protocol/time.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import { HUB } from "../../tests/forward/support/hub-under-test.ts";

/** What the region has after a fault of the hub: the simulated region's own account, without its timing. */
export interface RegionLedger {
  /** A message of readings, as it was published. */
  receive(payload: string, at: Millis): void;
  /** `changesAt`: when it changes by itself, because a gap gets old. */
  receipt(at: Millis): { readonly receipt: Receipt; readonly changesAt: Millis | null };
  /** What took effect, in order. */
  effects(): readonly Reading[];
  /** Readings that came again and had no effect. */
  readonly sentAgain: number;
}

/** The validator is compiled once for thousands of regions. */
export const createRegionLedger = (validate: ReadingValidator): RegionLedger => {
  const store = createReadingStore();
  const account = createHubAccount(HUB, validate, store);
  let sentAgain = 0;
  return {
    receive: (payload, at) => {
      const { series, batch } = JSON.parse(payload) as { series: string; batch: readonly unknown[] };
      account.open(series);
      for (const reading of batch) {
        if (account.take(reading, at, () => null).taken.tag === "duplicate") sentAgain += 1;
      }
    },
    receipt: account.receipt,
    effects: () => store.effects.map(({ reading }) => reading),
    get sentAgain() {
      return sentAgain;
    },
  };
};
