import { describe, expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import { driverOf } from "../../drivers/registry.ts";
import { assignmentId, catalogueId, sensorId } from "../../protocol/ids.ts";
import { enrol } from "./enrol.ts";
import type { SensorConfig } from "./hub-config.ts";

const ASSIGNMENT = assignmentId("a-7f3c9b");
const catalogue = await loadCatalogue();

const ble = (id: string, model: string): SensorConfig => ({
  id: sensorId(id),
  model: catalogueId(model),
  transport: "ble",
  address: "c0:26:da:00:00:01",
});
const serial = (id: string, model: string): SensorConfig => ({
  id: sensorId(id),
  model: catalogueId(model),
  transport: "serial",
  port: { tag: "path", path: "/dev/ttyUSB0" },
});

describe("enrol", () => {
  it("meets each sensor with its catalogue entry and its driver", () => {
    const { enrolled, setAside } = enrol(
      [ble("cuff", "and-ua-651ble"), serial("oximeter", "nonin-3150")],
      ASSIGNMENT,
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
      [
        ble("typo", "and-ua-651bl"),
        ble("other", "thermomix"),
        ble("wrong", "nonin-3150"),
        serial("good", "nonin-3150"),
      ],
      ASSIGNMENT,
      catalogue,
      driverOf,
    );
    expect(known.enrolled.map(({ sensor }) => sensor.id)).toEqual(["good"]);
    expect(known.setAside.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(
        /^sensor typo: model and-ua-651bl is not in the catalogue \(did you mean and-ua-651ble\?\); it is/,
      ),
      expect.stringMatching(/^sensor other: model thermomix is not in the catalogue \(known: and-ek-l, /),
      expect.stringMatching(/^sensor wrong: model nonin-3150 is read over serial, the configuration says ble; /),
    ]);
    const driverless = enrol([serial("old", "nonin-3150")], ASSIGNMENT, catalogue, () => undefined);
    expect(driverless.setAside[0]?.sentence).toContain(
      "this version has no driver nonin-2, which model nonin-3150 needs",
    );
  });
});
