import { describe, expect, it } from "vitest";
import { type Catalogue, catalogueOf, loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import { driverOf } from "../../drivers/registry.ts";
import { assignmentId, catalogueId, hubId, sensorId } from "../../protocol/ids.ts";
import { enrol } from "./enrol.ts";
import type { SensorConfig } from "./hub-config.ts";

const ASSIGNMENT = assignmentId("a-7f3c9b");
const catalogue = await loadCatalogue();

const COMMON = { assignment: null, serialNumber: null, userSlot: null };

const ble = (id: string, model: string): SensorConfig => ({
  ...COMMON,
  id: sensorId(id),
  model: catalogueId(model),
  transport: "ble",
  address: "c0:26:da:00:00:01",
});
const serial = (id: string, model: string): SensorConfig => ({
  ...COMMON,
  id: sensorId(id),
  model: catalogueId(model),
  transport: "serial",
  port: { tag: "path", path: "/dev/ttyUSB0" },
});

const home = (sensors: readonly SensorConfig[], certifiedOnly = false): Parameters<typeof enrol>[0] => ({
  sensors,
  hub: { id: hubId("hub-1"), assignment: ASSIGNMENT, dataDir: "/data", timeZone: "Europe/Stockholm" },
  catalogue: { folder: null, certifiedOnly },
});

const changed = (id: string, change: object): Catalogue => {
  const entry = catalogue.entry(id);
  if (entry === undefined) throw new Error(`no ${id}`);
  return catalogueOf([{ ...entry, ...change } as CatalogueEntry]);
};

describe("enrol", () => {
  it("meets each sensor with its catalogue entry and its driver", () => {
    const { enrolled, setAside } = enrol(
      home([ble("cuff", "and-ua-651ble"), serial("oximeter", "nonin-3150")]),
      catalogue,
      driverOf,
    );
    expect(setAside).toEqual([]);
    expect(enrolled.map(({ driver }) => driver.id)).toEqual(["gatt-blood-pressure", "nonin-2"]);
    expect(enrolled[0]?.sensor).toMatchObject({
      id: "cuff",
      assignment: ASSIGNMENT,
      catalogue: { id: "and-ua-651ble" },
    });
  });

  it("sets aside what cannot be read, each with its reason, and reads the rest", () => {
    const known = enrol(
      home([
        ble("typo", "and-ua-651bl"),
        ble("other", "thermomix"),
        ble("wrong", "nonin-3150"),
        serial("good", "nonin-3150"),
      ]),
      catalogue,
      driverOf,
    );
    expect(known.enrolled.map(({ sensor }) => sensor.id)).toEqual(["good"]);
    expect(known.setAside.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(
        /^sensor typo: model and-ua-651bl is not in the catalogue \(did you mean and-ua-651ble\?\); it is/,
      ),
      expect.stringMatching(/^sensor other: model thermomix is not in the catalogue \(hemhub catalogue list names/),
      expect.stringMatching(/^sensor wrong: model nonin-3150 is read over serial, the configuration says ble; /),
    ]);
    const driverless = enrol(home([serial("old", "nonin-3150")]), catalogue, () => undefined);
    expect(driverless.setAside[0]?.sentence).toContain(
      "this version has no driver nonin-2, which model nonin-3150 needs",
    );
  });

  it("gives a sensor to the person it is enrolled for, and else to the hub's", () => {
    const hers = { ...ble("hers", "and-ua-651ble"), assignment: assignmentId("a-hers") };
    const { enrolled } = enrol(home([hers, serial("his", "nonin-3150")]), catalogue, driverOf);
    expect(enrolled.map(({ sensor }) => sensor.assignment)).toEqual(["a-hers", ASSIGNMENT]);
  });

  it("reads no withdrawn model, says when and why, and has the region told", () => {
    const withdrawn = { date: "2026-11-01", reason: "reads 20 mmHg low" };
    const given = changed("and-ua-651ble", { status: "withdrawn", withdrawn });
    const { enrolled, setAside } = enrol(home([ble("cuff", "and-ua-651ble")]), given, driverOf);
    expect(enrolled).toEqual([]);
    expect(setAside).toMatchObject([
      {
        code: "sensor-withdrawn",
        sentence:
          "sensor cuff: model and-ua-651ble was withdrawn on 2026-11-01 (reads 20 mmHg low); exchange it for a certified one; it is not read until that is corrected",
      },
    ]);
  });

  it("reads models that are not certified, unless the configuration asks for certified ones only", () => {
    const sensors = [ble("cuff", "and-ua-651ble"), serial("scale", "and-ek-l")];
    expect(enrol(home(sensors), catalogue, driverOf).setAside).toEqual([]);
    const strict = enrol(home(sensors, true), catalogue, driverOf);
    expect(strict.enrolled.map(({ sensor }) => sensor.id)).toEqual(["cuff"]);
    expect(strict.setAside[0]).toMatchObject({
      code: "unknown-sensor",
      sentence: expect.stringContaining("model and-ek-l is not certified and catalogue.certifiedOnly is set"),
    });
  });

  it("reads no model with a quirk that its driver does not know", () => {
    const given = changed("and-ua-651ble", { quirks: ["talks-backwards"] });
    expect(enrol(home([ble("cuff", "and-ua-651ble")]), given, driverOf).setAside[0]?.sentence).toContain(
      "driver gatt-blood-pressure of this version does not know quirk talks-backwards of its model",
    );
  });
});
