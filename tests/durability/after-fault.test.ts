import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { afterLinkFault } from "../../bench/durability/after-fault.ts";
import { namedByBytes } from "../../bench/durability/measured.ts";
import type { Outside } from "../../bench/durability/outside.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { silentLogger } from "../support/test-loggers.ts";

const validate = createReadingValidator();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hemhub-after-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Store measurements as a hub does. Returns what the world outside knows, where the region has all of them or none. */
const store = async (numbers: readonly number[], isSent: boolean): Promise<Outside> => {
  const options = { directory, clock: createSimulatedClock(), logger: silentLogger };
  await using outbox = await openSqliteOutbox(options);
  const appended = await outbox.append(numbers.map(namedByBytes.make));
  const batch = await outbox.next(0, numbers.length);
  return {
    measured: new Set(numbers),
    stored: new Map(numbers.map((n, i) => [appended[i]?.seq ?? 0, n])),
    published: isSent ? [JSON.stringify({ series: outbox.series, batch })] : [],
  };
};

describe("after a fault", () => {
  it("finds every reading at the region, those that it had already without a second effect", async () => {
    const outside = await store([1, 2, 3], true);
    expect(await afterLinkFault(directory, outside, validate)).toMatchObject({
      taken: 3,
      lost: 0,
      altered: 0,
      doubled: 0,
      sentAgain: 3,
      broken: [],
      falseAlarm: false,
    });
  });

  it("takes what was measured and never acknowledged from the sensor, once", async () => {
    const outside = await store([1, 2], false);
    const more = { ...outside, measured: new Set([1, 2, 3]) };
    expect(await afterLinkFault(directory, more, validate)).toMatchObject({
      taken: 2,
      lost: 0,
      doubled: 0,
      broken: [],
    });
  });

  it("does not let the sensors' second sending hide a loss", async () => {
    const stored = new Map([
      [1, 1],
      [2, 2],
    ]);
    const found = await afterLinkFault(directory, { measured: new Set([1, 2]), stored, published: [] }, validate);
    expect(found).toMatchObject({ taken: 2, lost: 2 });
  });

  it("sees that what was acknowledged is not what was taken", async () => {
    const outside = await store([1, 2], false);
    const swapped = new Map([
      [1, 2],
      [2, 1],
    ]);
    expect(await afterLinkFault(directory, { ...outside, stored: swapped }, validate)).toMatchObject({
      lost: 0,
      altered: 2,
      broken: ["2 acknowledged measurements were stored again under another number"],
    });
  });
});
