import { codeOf } from "../../protocol/codes.ts";
import { idemOf, readingIdOf } from "../../protocol/idem.ts";
import { assignmentId, hubId } from "../../protocol/ids.ts";
import type { DraftReading, ReadingValue } from "../../protocol/reading.ts";

const value = (quantity: string, number: number, decimals: number, unit: string): ReadingValue => {
  const { mdc, name } = codeOf(quantity);
  return { mdc, name, value: number, decimals, unit };
};

/** A valid blood-pressure reading; `counter` makes it another measurement. */
export const sampleReading = (counter = 1): DraftReading => {
  const values = [
    value("blood-pressure.systolic", 124, 0, "mm[Hg]"),
    value("blood-pressure.diastolic", 86, 0, "mm[Hg]"),
  ];
  const assignment = assignmentId("a-7f3c9b");
  const idem = idemOf({
    assignment,
    device: "0123456789abcdef",
    values,
    supplemental: [],
    when: { bootId: "boot-1", counter },
    durationMs: null,
    deviceSequence: null,
  });
  return {
    schema: "reading/1",
    id: readingIdOf(idem),
    idem,
    kind: "blood-pressure",
    assignment,
    status: "final",
    replaces: null,
    values,
    supplemental: [],
    context: { userSlot: 1 },
    flags: ["irregular-pulse"],
    quality: [],
    time: {
      start: "2026-06-15T15:17:27.000Z",
      end: null,
      uncertaintyMs: 1500,
      basis: "device-synced",
      deviceRaw: { text: "2026-06-15T17:17:27", offsetMin: null },
      coincident: { device: "2026-06-15T17:17:30", hub: "2026-06-15T15:17:30.000Z" },
      received: { utc: "2026-06-15T15:17:31.000Z", bootId: "boot-1", monoMs: 1000 },
      hubClock: { state: "ntp", errorMs: 20 },
      faults: [],
    },
    device: {
      systemId: "0123456789abcdef",
      manufacturer: "Sample",
      model: "Cuff",
      serial: "1",
      firmware: "1.0",
      udi: null,
      catalogue: "sample-cuff@1",
      batteryPercent: 80,
    },
    provenance: {
      hubId: hubId("hub-0042"),
      hubVersion: "0.1.0",
      driver: "gatt-blood-pressure@1.0.0",
      transport: "ble",
      source: "2a35",
      rawHex: "167c0056006100e807060f11111b33000000",
    },
  };
};
