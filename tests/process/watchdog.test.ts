import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSupervisedPlace, release } from "../ota/supervised.ts";
import { type Bundled, bundledScript } from "../support/bundled.ts";
import { until } from "../support/until.ts";

/** Two thirds of a second for a sign, and time enough to start. */
const PATIENCE = { HEMHUB_ALIVE_MS: "2000", HEMHUB_READY_MS: "60000" };

describe("F56: a process that stands still", () => {
  let program: Bundled;
  beforeAll(async () => {
    program = await bundledScript(fileURLToPath(new URL("watchdog-subject.ts", import.meta.url)));
  }, 60_000);
  afterAll(() => program[Symbol.asyncDispose]());
  const subject = (does: string): string => release(`exec "${process.execPath}" "${program.file}" ${does}`);

  it.concurrent.each([
    ["whose event loop is blocked", "busy"],
    ["whose outbox does not answer", "stuck"],
  ])(
    "%s is killed, and taken back after three tries",
    async (_what, does) => {
      await using place = await createSupervisedPlace();
      const proven = await place.inForce("well", subject("well"));
      const broken = await place.onTrial(does, subject(does));
      const supervised = place.start(["sh"], PATIENCE);
      await until(() => supervised.starts().length > 3, "the release before runs", 60_000);
      await supervised.runs("current");
      const lastFailed = { release: broken, reason: "hung" };
      expect(await place.slots.read()).toMatchObject({ current: proven, trial: null, lastFailed });
      expect(
        supervised
          .starts()
          .map((start) => start.try)
          .slice(0, 4),
      ).toEqual([1, 2, 3, 0]);
      expect(await supervised.stop()).toBe(0);
    },
    90_000,
  );
});
