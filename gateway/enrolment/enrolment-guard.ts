import type { ReadingSink, SensorDriver } from "../../drivers/driver.ts";
import { HubError } from "../../protocol/errors.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import type { Enrolment } from "../config/enrol.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { createFirmwareWatch } from "./firmware-watch.ts";
import { toldNumber, verdictOn } from "./identity.ts";
import type { IdentityBook } from "./identity-book.ts";
import { withQuality } from "./with-quality.ts";

export interface EnrolmentGuardOptions {
  readonly enrolled: readonly Enrolment[];
  readonly book: IdentityBook;
  readonly report: ReportEvent;
  readonly logger: Logger;
}

/**
 * Watches that a sensor is the one that was enrolled. Address or port and bond say where it answers; the serial number,
 * from the configuration or learned at its first session, says that it is still the same one. Where another number is
 * told, its readings are kept as captures for the technician and given to nobody, nothing is confirmed to it (it keeps
 * them if it can), and it is not read any more until somebody accepts it. On a cable a number must be told twice.
 *
 * A sensor whose configuration names a serial number and that tells none is read; its readings are `unconfirmed`.
 *
 * A firmware that its certificate is not about is reported, and its readings are `questionable`: kept, not dropped.
 */
export interface EnrolmentGuard {
  /** The same sensors with a driver that is watched. */
  readonly enrolled: readonly Enrolment[];
  /** False while another sensor answers in its place. */
  admits(sensor: SensorId): boolean;
  /** Why it is not read, with the serial numbers and the next step; null where nothing is wrong. */
  trouble(sensor: SensorId): string | null;
  /** What a technician should know of a sensor that is read: its firmware, where its certificate does not cover it. */
  notice(sensor: SensorId): string | null;
  /**
   * From now on the sensor that answers is the enrolled one. Resolves with what to tell the person; throws HubError
   * `invalid-argument` where there is nothing to accept.
   */
  accept(sensor: string): Promise<string>;
  /** The enrolled sensor is back in its place: read it again, and look again whether it is. As `accept` otherwise. */
  retry(sensor: string): Promise<string>;
}

const UNTIL_RESTART = ", until the hub restarts: the disk refused to keep that";

const MISMATCH = "serial mismatch: another sensor answers in the place of the enrolled one";

export const createEnrolmentGuard = ({ enrolled, book, report, logger }: EnrolmentGuardOptions): EnrolmentGuard => {
  const byId = new Map(enrolled.map((one) => [one.sensor.id, one]));
  const firmware = createFirmwareWatch(report);
  /** A number that a sensor on a cable told once. */
  const toldOnce = new Map<SensorId, string>();

  const configuredNumber = (id: SensorId): string | null => byId.get(id)?.config.serialNumber ?? null;

  /** What was found counts only as long as it is not what is expected: the configuration may have been put right. */
  const foundInstead = (id: SensorId): string | null => {
    const { found } = book.of(id);
    return found === null || found === configuredNumber(id) ? null : found;
  };

  /**
   * A radio link has a 24-bit CRC and encryption; checksums on a cable are 8 bits or less, and noise gets past them. There a
   * number counts when it was told twice in a row.
   */
  const isCertain = ({ entry, sensor }: Enrolment, number: string): boolean => {
    const certain = entry.transport === "ble" || toldOnce.get(sensor.id) === number;
    if (certain) toldOnce.delete(sensor.id);
    else toldOnce.set(sensor.id, number);
    return certain;
  };

  const refusal = (id: SensorId): HubError =>
    new HubError("sensor-unknown", `sensor ${id}: another sensor answers in its place; hemhub sensor accept ${id}`);

  const tell = (id: SensorId): void => {
    const kept = "its readings are kept for the technician and given to nobody";
    const message = `sensor ${id}: another sensor answers in its place; ${kept}; hemhub sensor accept ${id}, or put the enrolled one back`;
    report("sensor-mismatch", message, { sensor: id });
  };

  const suspicion = (id: SensorId): HubError => {
    const why = "by noise on its cable or because it was exchanged";
    const sentence = `sensor ${id}: told another serial number once, ${why}; that reading is kept for the technician; measure again`;
    logger.warn("another serial number told once, kept", { sensor: id });
    report("sensor-mismatch", sentence, { sensor: id, state: "suspected" });
    return new HubError("sensor-unknown", sentence);
  };

  const keep = async (id: SensorId, sink: ReadingSink, readings: readonly DraftReading[]): Promise<void> => {
    for (const { provenance, time } of readings) {
      const { source, rawHex } = provenance;
      const receivedUtc = time.received.utc;
      await sink.keepUnreadable({ sensor: id, channel: source, reason: MISMATCH, rawHex, receivedUtc });
    }
  };

  /** The configuration asks for a number, and none was told: nobody can say whose reading it is. */
  const withNumber = ({ config }: Enrolment, reading: DraftReading): DraftReading =>
    config.serialNumber !== null && toldNumber(reading.device.serial) === null
      ? withQuality(reading, "unconfirmed")
      : reading;

  /** The sink of one session: of a session in which another sensor has shown itself nothing is taken any more. */
  const sinkOf = (enrolment: Enrolment, inner: ReadingSink): ReadingSink => {
    const { id } = enrolment.sensor;
    return {
      ...inner,
      take: async (readings) => {
        const told = readings.map(({ device }) => toldNumber(device.serial));
        const known = { ...book.of(id), found: foundInstead(id) };
        const first = told.find((one) => one !== null) ?? null;
        const expected = { ...known, serialNumber: known.serialNumber ?? first };
        const other = told.find((one) => verdictOn(one, configuredNumber(id), expected) === "other");
        if (other !== undefined) {
          await keep(id, inner, readings);
          // A sensor with a memory tells the reading again at its next session, with its right number.
          if (other !== null && !isCertain(enrolment, other)) throw suspicion(id);
          if (known.found === null) {
            await book.write(id, { ...known, found: other });
            logger.warn("another sensor answers in the place of an enrolled one", { sensor: id });
            tell(id);
          }
          throw refusal(id);
        }
        await inner.take(readings.map((one) => firmware.flag(enrolment, withNumber(enrolment, one))));
        if (first === null) return;
        if (known.serialNumber === first) toldOnce.delete(id);
        else if (isCertain(enrolment, first)) {
          await book.write(id, { serialNumber: first, found: null });
          logger.info("serial number of sensor learned", { sensor: id });
        }
      },
    };
  };

  const watched = (enrolment: Enrolment): Enrolment => {
    const { driver, sensor } = enrolment;
    const session: SensorDriver<unknown>["session"] = async (transport, sink, context, signal) => {
      if (foundInstead(sensor.id) !== null) throw refusal(sensor.id);
      return await driver.session(transport, sinkOf(enrolment, sink), context, signal);
    };
    return { ...enrolment, driver: { ...driver, session } };
  };

  /** The sensor of that name and what answers in its place; anything else is the person's mistake. */
  const replaced = (command: string, name: string): Pick<Enrolment, "config"> & { id: SensorId; found: string } => {
    const enrolment = enrolled.find(({ sensor }) => sensor.id === name);
    if (enrolment === undefined) {
      const known = enrolled.map(({ sensor }) => sensor.id).join(", ") || "none";
      throw new HubError("invalid-argument", `${command}: no sensor ${name} is read here; known: ${known}`);
    }
    const { id } = enrolment.sensor;
    const found = foundInstead(id);
    if (found === null) {
      throw new HubError("invalid-argument", `${command}: no other sensor answers in the place of ${id}`);
    }
    return { id, config: enrolment.config, found };
  };

  const recovered = (id: SensorId, what: string): void =>
    report("sensor-mismatch", `sensor ${id}: ${what}`, { sensor: id, state: "recovered" });

  for (const { sensor } of enrolled) if (foundInstead(sensor.id) !== null) tell(sensor.id);

  return {
    enrolled: enrolled.map(watched),
    admits: (id) => foundInstead(id) === null,
    trouble: (id) => {
      const found = foundInstead(id);
      if (found === null) return null;
      const expected = configuredNumber(id) ?? book.of(id).serialNumber ?? "unknown";
      const numbers = `serial number ${found} instead of ${expected}`;
      return `another sensor answers in its place (${numbers}); sensor accept ${id} where that is meant, else put the enrolled one back and sensor retry ${id}`;
    },
    notice: firmware.notice,
    accept: async (name) => {
      const { id, config, found } = replaced("sensor accept", name);
      if (config.serialNumber !== null) {
        const stands = `its serial number stands in the configuration as ${config.serialNumber}`;
        const message = `sensor accept: ${id}: ${stands}; correct it to ${found} there and restart the hub`;
        throw new HubError("invalid-argument", message);
      }
      const kept = await book.write(id, { serialNumber: found, found: null });
      logger.warn("another sensor accepted in the place of an enrolled one", { sensor: id });
      recovered(id, "the sensor that answers in its place was accepted");
      return `sensor ${id} is now the one with serial number ${found}${kept ? "" : UNTIL_RESTART}`;
    },
    retry: async (name) => {
      const { id } = replaced("sensor retry", name);
      const kept = await book.write(id, { ...book.of(id), found: null });
      recovered(id, "it is read again, and looked at again");
      return `sensor ${id} is read again; measure once to see that it is the enrolled one${kept ? "" : UNTIL_RESTART}`;
    },
  };
};
