import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import type { EnrolledSensor, SensorDriver } from "../../drivers/driver.ts";
import { driverOf } from "../../drivers/registry.ts";
import type { SerialPortRef } from "../../drivers/serial/serial-port-ref.ts";
import { loadCertifiedCatalogue } from "../config/certified-catalogue.ts";
import { type Enrolment, enrol } from "../config/enrol.ts";
import { type HubConfig, problemLine } from "../config/hub-config.ts";
import { loadConfig } from "../config/load-config.ts";
import { didYouMean } from "../config/nearest.ts";
import { hubAnswersAt } from "../diagnostics/socket-server.ts";
import { sensorOf } from "../driver-kit/kit-sensor.ts";
import { loadCatalogueOf } from "../updates/catalogue-place.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

export interface RecordTargetOptions {
  readonly model?: string;
  readonly serial?: string;
  readonly config?: string;
  readonly sensor?: string;
  readonly catalogue?: string;
  readonly zone?: string;
}

/** The sensor to be recorded and where it is. */
export interface RecordTarget {
  readonly entry: CatalogueEntry;
  readonly driver: SensorDriver<unknown>;
  readonly sensor: EnrolledSensor;
  readonly zone: string;
  readonly place:
    | { readonly tag: "serial"; readonly port: SerialPortRef }
    | { readonly tag: "ble"; readonly config: HubConfig; readonly enrolment: Enrolment };
}

/** Why there is none, and the exit code that says it to programs. */
export interface NoTarget {
  readonly sentences: readonly string[];
  readonly exit: ExitCode;
}

const wrong = (...sentences: readonly string[]): NoTarget => ({ sentences, exit: EXIT.usage });

const HOW =
  "driver record: name a model and its port (--model ID --serial PATH), or a sensor of a configuration (--config FILE --sensor ID)";

const byModel = async (model: string, path: string, options: RecordTargetOptions): Promise<RecordTarget | NoTarget> => {
  const { catalogue, trouble } = await loadCertifiedCatalogue(options.catalogue ?? null);
  if (trouble !== null) return wrong(`driver record: ${trouble}`);
  const entry = catalogue.entry(model);
  if (entry === undefined) {
    const known = catalogue.entries.map((one) => one.id);
    return wrong(
      `driver record: model ${model} is not in the catalogue${didYouMean(model, known)}; add its entry first`,
    );
  }
  if (entry.transport !== "serial") {
    return wrong(`driver record: model ${model} is read over Bluetooth; record it with --config FILE --sensor ID`);
  }
  const driver = driverOf(entry.driver);
  if (driver === undefined)
    return wrong(`driver record: there is no driver ${entry.driver} in drivers/registry.ts; add it first`);
  const zone = options.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  return { entry, driver, sensor: sensorOf(entry), zone, place: { tag: "serial", port: { tag: "path", path } } };
};

const byConfig = async (file: string, id: string): Promise<RecordTarget | NoTarget> => {
  const loaded = await loadConfig(file);
  if (loaded.tag === "invalid") return wrong(...loaded.problems.map((problem) => problemLine(loaded.file, problem)));
  const { config } = loaded;
  if (await hubAnswersAt(config.diagnostics.socket)) {
    const found = `a hub runs with ${file} and has its sensors; stop it (systemctl stop hemhub), record, and start it again`;
    return { sentences: [`driver record: ${found}`], exit: EXIT.busy };
  }
  const { catalogue, trouble } = await loadCatalogueOf(config);
  if (trouble !== null) return wrong(`driver record: ${trouble}`);
  const { enrolled, setAside } = enrol(config, catalogue, driverOf);
  const aside = setAside.find((one) => one.config.id === id);
  if (aside !== undefined) return wrong(`driver record: ${aside.sentence}`);
  const enrolment = enrolled.find((one) => one.config.id === id);
  if (enrolment === undefined) {
    const ids = config.sensors.map((one) => one.id);
    return wrong(
      `driver record: ${file} has no sensor ${id}${didYouMean(id, ids)}; it has ${ids.join(", ") || "none"}`,
    );
  }
  const { entry, driver, sensor } = enrolment;
  const zone = config.hub.timeZone;
  if (enrolment.config.transport === "serial") {
    return { entry, driver, sensor, zone, place: { tag: "serial", port: enrolment.config.port } };
  }
  if (config.ble === null)
    return wrong(`driver record: ${file} has no ble.adapter; add the adapter that ${id} is read with`);
  return { entry, driver, sensor, zone, place: { tag: "ble", config, enrolment } };
};

/** What the command line names. */
export const targetOf = async (options: RecordTargetOptions): Promise<RecordTarget | NoTarget> => {
  const { model, serial, config, sensor } = options;
  if (model !== undefined && serial !== undefined && config === undefined) return byModel(model, serial, options);
  if (config !== undefined && sensor !== undefined && model === undefined) return byConfig(config, sensor);
  return wrong(HOW);
};
