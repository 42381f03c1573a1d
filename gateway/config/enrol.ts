import type { Catalogue } from "../../drivers/catalogue/catalogue.ts";
import { type CatalogueEntry, statusOf } from "../../drivers/catalogue/entry.ts";
import { unknownQuirks } from "../../drivers/catalogue/quirks.ts";
import type { EnrolledSensor, SensorDriver } from "../../drivers/driver.ts";
import type { EventCode } from "../../protocol/messages.ts";
import type { HubConfig, SensorConfig } from "./hub-config.ts";
import { didYouMean } from "./nearest.ts";

/** A sensor of this home that can be read. */
export interface Enrolment {
  readonly config: SensorConfig;
  readonly sensor: EnrolledSensor;
  readonly entry: CatalogueEntry;
  readonly driver: SensorDriver<unknown>;
}

/** A sensor of the configuration that is not read, and why, with the next step; the others are read. */
export interface SetAside {
  readonly config: SensorConfig;
  readonly sentence: string;
  /** What the region is told of it; absent: nothing, because it is a matter of this machine. */
  readonly code?: EventCode;
}

export interface Enrolments {
  readonly enrolled: readonly Enrolment[];
  readonly setAside: readonly SetAside[];
  /** Every model of the catalogue, also those that nobody has here. */
  readonly models: readonly CatalogueEntry[];
}

type DriverOf = (id: string) => SensorDriver<unknown> | undefined;

/** Why a sensor cannot be read as configured; its entry and driver where it can. */
const meet = (
  config: SensorConfig,
  catalogue: Catalogue,
  certifiedOnly: boolean,
  driverOf: DriverOf,
): Pick<Enrolment, "entry" | "driver"> | { readonly why: string; readonly code?: EventCode } => {
  const entry = catalogue.entry(config.model);
  if (entry === undefined) {
    const known = catalogue.entries.map((one) => one.id);
    const meant = didYouMean(config.model, known);
    const named = meant === "" ? " (hemhub catalogue list names those that are)" : meant;
    return { why: `model ${config.model} is not in the catalogue${named}`, code: "unknown-sensor" };
  }
  const status = statusOf(entry);
  if (status === "withdrawn") {
    const { date = "an unknown date", reason = "no reason is given" } = entry.withdrawn ?? {};
    const why = `model ${config.model} was withdrawn on ${date} (${reason}); exchange it for a certified one`;
    return { why, code: "sensor-withdrawn" };
  }
  if (status === "not-certified" && certifiedOnly) {
    const why = `model ${config.model} is not certified and catalogue.certifiedOnly is set; exchange it for a certified one`;
    return { why, code: "unknown-sensor" };
  }
  if (entry.transport !== config.transport) {
    return { why: `model ${config.model} is read over ${entry.transport}, the configuration says ${config.transport}` };
  }
  const driver = driverOf(entry.driver);
  if (driver === undefined) {
    return { why: `this version has no driver ${entry.driver}, which model ${config.model} needs` };
  }
  const strange = unknownQuirks(entry.driver, entry.quirks);
  if (strange.length > 0) {
    return { why: `driver ${entry.driver} of this version does not know quirk ${strange.join(", ")} of its model` };
  }
  return { entry, driver };
};

/** Meet the configuration with the catalogue and the drivers of this version. Pure. */
export const enrol = (
  { sensors, hub, catalogue: { certifiedOnly } }: Pick<HubConfig, "sensors" | "hub" | "catalogue">,
  catalogue: Catalogue,
  driverOf: DriverOf,
): Enrolments => {
  const enrolled: Enrolment[] = [];
  const setAside: SetAside[] = [];
  for (const config of sensors) {
    const met = meet(config, catalogue, certifiedOnly, driverOf);
    if ("why" in met) {
      const sentence = `sensor ${config.id}: ${met.why}; it is not read until that is corrected`;
      setAside.push({ config, sentence, ...(met.code === undefined ? {} : { code: met.code }) });
      continue;
    }
    const { id, version, manufacturer, model, udiDi, quirks } = met.entry;
    const assignment = config.assignment ?? hub.assignment;
    const sensor = { id: config.id, assignment, catalogue: { id, version }, manufacturer, model, udi: udiDi, quirks };
    enrolled.push({ config, sensor, ...met });
  }
  return { enrolled, setAside, models: catalogue.entries };
};
