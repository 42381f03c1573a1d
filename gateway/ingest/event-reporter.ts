import type { EventCode, HubEvent } from "../../protocol/messages.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { isoUtc, millis } from "../../protocol/time.ts";

type Detail = HubEvent["detail"];

/** What a part of the hub calls when a person should know something. `detail` carries no value and no identity. */
export type ReportEvent = (code: EventCode, message: string, detail: Detail) => void;

export interface EventReporterOptions {
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
  /** Hands the event on towards the region. */
  readonly send: (event: HubEvent) => void;
}

/** One event of one code and source in this time; more are counted, and the next one says how many (`repeated`). */
const SPACING = millis(60_000);

/** Codes times sources that are remembered: 16 codes that name a sensor or a file, 64 sensors. */
const MOST_SOURCES = 1024;

const SEVERITY: Readonly<Record<EventCode, HubEvent["severity"]>> = {
  "unknown-sensor": "warning",
  "sensor-withdrawn": "alarm",
  "sensor-mismatch": "alarm",
  "sensor-firmware": "warning",
  "catalogue-fault": "alarm",
  "bond-lost": "alarm",
  "clock-fault": "warning",
  "buffer-high": "alarm",
  "reading-refused": "alarm",
  "reading-quarantined": "alarm",
  "reading-unassigned": "warning",
  "assignment-changed": "warning",
  "command-done": "info",
  "command-refused": "alarm",
  "data-erased": "alarm",
  "certificate-fault": "alarm",
  "malformed-data": "warning",
  "storage-fault": "alarm",
  "hub-fault": "alarm",
  "release-installed": "info",
  "release-rolled-back": "alarm",
  "release-refused": "warning",
  "adapter-fault": "warning",
  "serial-fault": "warning",
};

/**
 * Events to the region and to the log, bounded in rate: a noisy sensor must not push out what matters. A detail
 * `state: "recovered"` makes an event good news.
 */
export const createEventReporter = ({ clock, time, logger, send }: EventReporterOptions): ReportEvent => {
  const sources = new Map<string, { readonly since: number; readonly repeated: number }>();

  return (code, message, detail) => {
    const key = `${code} ${String(detail.sensor ?? detail.address ?? detail.path ?? "")} ${String(detail.state ?? "")}`;
    const now = clock.elapsed();
    const last = sources.get(key);
    if (last !== undefined && now - last.since < SPACING) {
      sources.set(key, { ...last, repeated: last.repeated + 1 });
      return;
    }
    sources.delete(key);
    sources.set(key, { since: now, repeated: 0 });
    const oldest = sources.keys().next();
    if (sources.size > MOST_SOURCES && oldest.done !== true) sources.delete(oldest.value);

    const repeated = last === undefined || last.repeated === 0 ? {} : { repeated: last.repeated };
    const severity = detail.state === "recovered" ? "info" : SEVERITY[code];
    const { utc } = time.stamp();
    logger[severity === "info" ? "info" : "warn"]("event", {
      event: code,
      severity,
      text: message,
      sensor: detail.sensor,
    });
    send({
      schema: "event/1",
      code,
      severity,
      at: utc === null ? null : isoUtc(utc),
      message,
      detail: { ...detail, ...repeated },
    });
  };
};
