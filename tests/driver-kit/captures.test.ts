import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import { driverIds, driverOf } from "../../drivers/registry.ts";
import { tryCapture } from "../../gateway/driver-kit/conformance.ts";
import { differenceLine } from "../../gateway/driver-kit/difference.ts";
import { loadCaptures } from "../../gateway/driver-kit/load-captures.ts";
import { createReadingValidator } from "../../protocol/validate.ts";

/** Disturbances of each kind for each capture: `hemhub driver test drivers/captures` tries more. */
const MOST = 15;

const CAPTURES = join(import.meta.dirname, "..", "..", "drivers", "captures");

const results = await loadCaptures(CAPTURES);
const captures = results.flatMap((result) => (result.tag === "ok" ? [result.capture] : []));
const parts = { catalogue: await loadCatalogue(), driverOf, validate: createReadingValidator() };

describe("the captures that come with the hub", () => {
  it("are captures, all of them", () => {
    expect(results.filter(({ tag }) => tag === "invalid")).toEqual([]);
    expect(captures.length).toBeGreaterThan(15);
  });

  for (const capture of captures) {
    const name = capture.file.slice(CAPTURES.length + 1);
    it(`give the expected readings, also disturbed: ${name}`, { timeout: 60_000 }, async () => {
      const { differences, robustness } = await tryCapture(capture, parts, MOST);
      expect(differences.map((one) => differenceLine(capture, one))).toEqual([]);
      expect(robustness.flatMap(({ faults }) => faults)).toEqual([]);
      expect(robustness.reduce((sum, { tried }) => sum + tried, 0)).toBeGreaterThan(10);
    });
  }

  it("show every driver", () => {
    const shown = new Set(
      captures.map(({ sensor }) =>
        sensor.tag === "driver" ? sensor.driver : String(parts.catalogue.entry(sensor.model)?.driver),
      ),
    );
    expect(driverIds.filter((id) => !shown.has(id))).toEqual([]);
  });

  it("tell nothing that a device is known by", () => {
    for (const { session } of captures) {
      for (const event of session) {
        if (event.tag !== "read" || !("bytes" in event.answer)) continue;
        if (event.channel === "2a25") expect([...event.answer.bytes].every((octet) => octet === 0x30)).toBe(true);
        if (event.channel === "2a23") expect([...event.answer.bytes].every((octet) => octet === 0)).toBe(true);
      }
    }
  });
});
