import type { Catalogue } from "../../drivers/catalogue/catalogue.ts";
import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import type { EnrolledSensor, SensorDriver } from "../../drivers/driver.ts";
import type { AssignmentId } from "../../protocol/ids.ts";
import type { SensorConfig } from "./hub-config.ts";
import { didYouMean } from "./nearest.ts";

/** A sensor of this home that can be read. */
export interface Enrolment {
  readonly config: SensorConfig;
  readonly sensor: EnrolledSensor;
  readonly entry: CatalogueEntry;
  readonly driver: SensorDriver<unknown>;
}

/** A sensor of the configuration that cannot be read, and why, with the next step; the others are read. */
export interface SetAside {
  readonly config: SensorConfig;
  readonly sentence: string;
}

export interface Enrolments {
  readonly enrolled: readonly Enrolment[];
  readonly setAside: readonly SetAside[];
}

/** Meet the configuration with the catalogue and the drivers of this version. Pure. */
export const enrol = (
  sensors: readonly SensorConfig[],
  assignment: AssignmentId,
  catalogue: Catalogue,
  driverOf: (id: string) => SensorDriver<unknown> | undefined,
): Enrolments => {
  const enrolled: Enrolment[] = [];
  const setAside: SetAside[] = [];
  for (const config of sensors) {
    const refuse = (why: string): void => {
      setAside.push({ config, sentence: `sensor ${config.id}: ${why}; it is not read until that is corrected` });
    };
    const entry = catalogue.entry(config.model);
    if (entry === undefined) {
      const known = catalogue.entries.map((one) => one.id);
      const meant = didYouMean(config.model, known);
      refuse(`model ${config.model} is not in the catalogue${meant === "" ? ` (known: ${known.join(", ")})` : meant}`);
      continue;
    }
    if (entry.transport !== config.transport) {
      refuse(`model ${config.model} is read over ${entry.transport}, the configuration says ${config.transport}`);
      continue;
    }
    const driver = driverOf(entry.driver);
    if (driver === undefined) {
      refuse(`this version has no driver ${entry.driver}, which model ${config.model} needs`);
      continue;
    }
    const { id, version, manufacturer, model, udiDi, quirks } = entry;
    const sensor = { id: config.id, assignment, catalogue: { id, version }, manufacturer, model, udi: udiDi, quirks };
    enrolled.push({ config, sensor, entry, driver });
  }
  return { enrolled, setAside };
};
