import type { Catalogue } from "../../drivers/catalogue/catalogue.ts";
import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import type { EnrolledSensor, SensorDriver } from "../../drivers/driver.ts";
import { driverIds } from "../../drivers/registry.ts";
import { assignmentId, catalogueId, sensorId } from "../../protocol/ids.ts";
import { didYouMean } from "../config/nearest.ts";
import type { Capture } from "./capture.ts";
import type { Difference } from "./difference.ts";
import type { ReplayDriver } from "./replay.ts";

/** The driver and the enrolment that a capture is replayed with; `entry` is null where it names a driver only. */
export interface KitSensor extends ReplayDriver {
  readonly entry: CatalogueEntry | null;
}

export type DriverOf = (id: string) => SensorDriver<unknown> | undefined;

/** Nobody's sensor: readings of the kit belong to no one. */
const NOBODY = { id: sensorId("sensor"), assignment: assignmentId("driver-kit") };

/** An enrolment of a model. */
export const sensorOf = (entry: CatalogueEntry): EnrolledSensor => {
  const { id, version, manufacturer, model, udiDi, quirks } = entry;
  return { ...NOBODY, catalogue: { id, version }, manufacturer, model, udi: udiDi, quirks };
};

const unlisted = (quirks: readonly string[]): EnrolledSensor => ({
  ...NOBODY,
  catalogue: { id: catalogueId("not-in-catalogue"), version: "0" },
  manufacturer: "unknown",
  model: "unknown",
  udi: null,
  quirks,
});

/** Meet a capture with the catalogue and the drivers. What does not fit is a difference of the capture. */
export const kitSensorOf = (capture: Capture, catalogue: Catalogue, driverOf: DriverOf): KitSensor | Difference => {
  const { sensor, link } = capture;
  const difference = (what: string, expected: string, found: string): Difference => ({
    line: sensor.line,
    what,
    expected,
    found,
  });
  const entry = sensor.tag === "model" ? catalogue.entry(sensor.model) : null;
  if (sensor.tag === "model" && entry === undefined) {
    const known = catalogue.entries.map((one) => one.id);
    return difference(
      "model",
      `a model of the catalogue${didYouMean(sensor.model, known)}; add drivers/catalogue/${sensor.model}.yaml`,
      sensor.model,
    );
  }
  const name = sensor.tag === "driver" ? sensor.driver : (entry?.driver ?? "");
  const driver = driverOf(name);
  if (driver === undefined) {
    const meant = didYouMean(name, driverIds);
    return difference("driver", `a driver of drivers/registry.ts${meant}; add it there`, name);
  }
  if ((driver.transport === "ble") !== link.length > 0) {
    const expected = driver.transport === "ble" ? "a link with the sensor's characteristics" : "no link";
    return difference(
      "link",
      `${expected}: driver ${name} speaks ${driver.transport}`,
      link.length > 0 ? "one" : "none",
    );
  }
  const enrolled = sensor.tag === "driver" ? unlisted(sensor.quirks) : null;
  if (entry === null || entry === undefined) return { driver, sensor: enrolled ?? unlisted([]), entry: null };
  return { driver, sensor: sensorOf(entry), entry };
};
