import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { reportHubCuts } from "./hub-cuts.ts";
import { recordHub } from "./hub-recording.ts";
import { reportMigrationCuts } from "./migration-cuts.ts";

const cc = requirement("cc");

const figures = (fault: string, what: string, { wrong, ...counted }: { readonly wrong: readonly string[] }): void => {
  process.stdout.write(`${JSON.stringify({ fault, what, ...counted, wrong: wrong.length })}\n`);
};

describe.skipIf(!cc.available)(titled("when the power is cut at any operation on the disk", cc), () => {
  it("F01: a whole hub that starts, stores, stops under load, starts and stops again has all that it said it had", async () => {
    const report = await reportHubCuts(await recordHub(), 1);
    figures("F01", "start and stop of the hub", report);
    expect(report.wrong).toEqual([]);
    expect(report).toMatchObject({ lost: 0, altered: 0 });
    expect(report.cuts).toBeGreaterThan(400);
    expect(report.promised).toBeGreaterThan(1000);
  });

  it("F11: an update of the outbox's file has every reading, and the releases around it open it or refuse it whole", async () => {
    const report = await reportMigrationCuts(1);
    figures("F11", "update of the file", report);
    expect(report.wrong).toEqual([]);
    expect(report).toMatchObject({ lost: 0, altered: 0, twice: 0 });
    expect(report.cuts).toBeGreaterThan(500);
  });
});
