import { HubError } from "../../protocol/errors.ts";
import type { SensorDriver } from "../driver.ts";
import { draftReading } from "../normalise/reading.ts";
import { createZones, type Zones } from "../normalise/zone.ts";
import type { MeterProtocol } from "./meter-protocol.ts";
import { runMeterSession } from "./meter-session.ts";
import type { SerialProtocol } from "./serial-protocol.ts";
import { runSerialSession } from "./serial-session.ts";

type Format<R> = Pick<SerialProtocol<R>, "id" | "version" | "decode" | "measure">;

/** The driver of one format, with a session of its kind. */
const driverOf = <R>(
  format: Format<R>,
  lull: Pick<SensorDriver<R>, "lull">,
  run: (driver: SensorDriver<R>, zones: Zones) => SensorDriver<R>["session"],
): SensorDriver<R> => {
  const zones = createZones();
  const driver: SensorDriver<R> = {
    id: format.id,
    version: format.version,
    transport: "serial",
    // A cable: the session lasts as long as it is plugged in, and the supervisor begins it again.
    stays: true,
    ...lull,
    decode: (frame) => format.decode(frame),
    normalise: (record, context) => [draftReading(format.measure(record), context, zones)],
    session: async (transport, sink, context, signal) => {
      if (transport.kind !== "serial") {
        const message = `driver ${format.id}: speaks over a serial port, but was given a ${transport.kind} connection; correct the sensor's catalogue entry`;
        throw new HubError("invalid-argument", message);
      }
      return await run(driver, zones)(transport, sink, context, signal);
    },
  };
  return driver;
};

/** The driver of a sensor that sends its readings by itself. */
export const createSerialDriver = <R>(protocol: SerialProtocol<R>): SensorDriver<R> =>
  driverOf(
    protocol,
    protocol.lull === undefined ? {} : { lull: protocol.lull },
    (driver, zones) => (transport, sink, context, signal) =>
      runSerialSession(driver, protocol, zones, transport, sink, context, signal),
  );

/** The driver of a meter that answers questions. */
export const createMeterDriver = <R>(protocol: MeterProtocol<R>): SensorDriver<R> =>
  driverOf(
    protocol,
    { lull: null },
    (driver, zones) => (transport, sink, context, signal) =>
      runMeterSession(driver, protocol, zones, transport, sink, context, signal),
  );
