import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { reportMigrationCuts } from "./migration-cuts.ts";

const cc = requirement("cc");

/** Prime, so that over the recording every kind of operation is met; all of them are in hub.faults.ts. */
const EVERY = 17;

describe.skipIf(!cc.available)(
  titled("F11: when the power is cut while an update changes the outbox's file", cc),
  () => {
    it("every reading of before and after is there, and the releases before and after open the file or refuse it whole", async () => {
      const report = await reportMigrationCuts(EVERY);
      expect(report.wrong).toEqual([]);
      expect(report).toMatchObject({ lost: 0, altered: 0, twice: 0 });
      expect(report.cuts).toBeGreaterThan(25);
      expect(report.releases).toBeGreaterThan(25);
    }, 120_000);
  },
);
