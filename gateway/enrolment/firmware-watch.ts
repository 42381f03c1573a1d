import { firmwareRangeText, firmwareWithin } from "../../drivers/catalogue/firmware.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import type { Enrolment } from "../config/enrol.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { withQuality } from "./with-quality.ts";

/** Looks whether the certificate of a model is about the firmware that its sensor tells. */
export interface FirmwareWatch {
  /** A reading of a firmware outside is `questionable`; each revision is reported once. Never drops a reading. */
  flag(enrolment: Enrolment, reading: DraftReading): DraftReading;
  /** What a technician should know of the firmware of a sensor; null where nothing is wrong with it. */
  notice(sensor: SensorId): string | null;
}

export const createFirmwareWatch = (report: ReportEvent): FirmwareWatch => {
  /** What was told last of each sensor that its certificate is not about. */
  const uncovered = new Map<SensorId, { readonly firmware: string; readonly sentence: string }>();

  return {
    flag: ({ entry, sensor }, reading) => {
      const { firmware: range } = entry.certification;
      const { firmware } = reading.device;
      if (range === null || firmware === null) return reading;
      const where = firmwareWithin(firmware, range);
      if (where === "inside") {
        uncovered.delete(sensor.id);
        return reading;
      }
      if (uncovered.get(sensor.id)?.firmware !== firmware) {
        const covered = firmwareRangeText(range);
        const found = where === "outside" ? `is not one of ${covered}` : `cannot be compared with ${covered}`;
        const next = "exchange the sensor or have its certificate looked at";
        const sentence = `firmware ${firmware} ${found}, which model ${entry.id} is certified for; ${next}`;
        uncovered.set(sensor.id, { firmware, sentence });
        report("sensor-firmware", `sensor ${sensor.id}: ${sentence}`, { sensor: sensor.id });
      }
      return where === "unknown" ? reading : withQuality(reading, "questionable");
    },
    notice: (id) => uncovered.get(id)?.sentence ?? null,
  };
};
