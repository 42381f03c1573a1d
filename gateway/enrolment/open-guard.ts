import { join } from "node:path";
import { describePort } from "../../drivers/serial/serial-port-ref.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Enrolment } from "../config/enrol.ts";
import type { SensorConfig } from "../config/hub-config.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { createEnrolmentGuard, type EnrolmentGuard } from "./enrolment-guard.ts";
import { openIdentityBook } from "./identity-book.ts";

const boundTo = (config: SensorConfig): string =>
  config.transport === "ble" ? `ble:${config.address}` : `serial:${describePort(config.port)}`;

/** The guard over the enrolled sensors, with what earlier runs of this hub learned of them. */
export const openEnrolmentGuard = async (
  dataDir: string,
  enrolled: readonly Enrolment[],
  report: ReportEvent,
  logger: Logger,
): Promise<EnrolmentGuard> => {
  const file = join(dataDir, "enrolment.json");
  const sensors = enrolled.map(({ config, sensor }) => ({ id: sensor.id, bound: boundTo(config) }));
  const book = await openIdentityBook(file, sensors, logger, (sentence) => {
    report("storage-fault", sentence, { state: "salvaged", path: file });
  });
  return createEnrolmentGuard({ enrolled, book, report, logger });
};
