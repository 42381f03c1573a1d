import { idemOf, readingIdOf } from "../../protocol/idem.ts";
import type { AssignmentId } from "../../protocol/ids.ts";
import { hubId, seq } from "../../protocol/ids.ts";
import type { Reading } from "../../protocol/reading.ts";

/**
 * A valid reading of hub `hub` with number `number`, for tests of the region that need no sensor. `measurement` tells
 * measurements apart: the same one under another number is the same reading.
 */
export const exampleReading = (hub: string, number: number, measurement = number): Reading => {
  const values = [{ mdc: 188736, name: "MDC_MASS_BODY_ACTUAL", value: 72.35, decimals: 2, unit: "kg" }];
  const text = new Date(Date.UTC(2026, 5, 15) + measurement * 60_000).toISOString();
  const idem = idemOf({
    assignment: "a-1" as AssignmentId,
    device: "serial:1",
    values,
    supplemental: [],
    when: { deviceRaw: text.slice(0, 19) },
    durationMs: null,
    deviceSequence: null,
  });
  return {
    schema: "reading/1",
    id: readingIdOf(idem),
    idem,
    seq: seq(number),
    kind: "body-weight",
    assignment: "a-1" as AssignmentId,
    status: "final",
    replaces: null,
    values,
    supplemental: [],
    context: {},
    flags: [],
    quality: [],
    time: {
      start: text,
      end: null,
      uncertaintyMs: 1000,
      basis: "device-synced",
      deviceRaw: { text: text.slice(0, 19), offsetMin: null },
      coincident: null,
      received: { utc: text, bootId: "boot-1", monoMs: measurement },
      hubClock: { state: "ntp", errorMs: 20 },
      faults: [],
    },
    device: {
      systemId: null,
      manufacturer: "Example",
      model: "Example",
      serial: "1",
      firmware: null,
      udi: null,
      catalogue: "example-scale@1",
      batteryPercent: null,
    },
    provenance: {
      hubId: hubId(hub),
      hubVersion: "0.1.0",
      driver: "example@1.0.0",
      transport: "serial",
      source: "example",
      rawHex: "00",
    },
  };
};
