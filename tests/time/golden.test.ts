import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { draftReading } from "../../drivers/normalise/reading.ts";
import { createZones } from "../../drivers/normalise/zone.ts";
import { goldenInputs } from "./golden-corpus.ts";
import golden from "./golden-readings.json" with { type: "json" };

const zones = createZones();
const made = goldenInputs(5000).map(({ measurement, context }) => draftReading(measurement, context, zones));

/*
 * Written before normalising was made fast. A region de-duplicates by id: a release that computes another id of the
 * same record delivers it twice, so the ids may not change, ever. Times may, when a rule of time changes on purpose.
 */
describe("readings of a fixed corpus", () => {
  it("have the ids and idems that every release gave them", () => {
    const ids = createHash("sha256");
    for (const { id, idem } of made) ids.update(`${id}${idem}\n`);
    expect(ids.digest("hex")).toBe(golden.idsOf5000);
  });

  it("have the times and the bytes that were written down", () => {
    const first = made.slice(0, golden.readings.length);
    expect(first.map(({ id, idem, time, provenance }) => ({ id, idem, time, rawHex: provenance.rawHex }))).toEqual(
      golden.readings,
    );
  });
});
