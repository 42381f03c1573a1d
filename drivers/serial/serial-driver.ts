import { HubError } from "../../protocol/errors.ts";
import type { SensorDriver } from "../driver.ts";
import { draftReading } from "../normalise/reading.ts";
import { createZones } from "../normalise/zone.ts";
import type { SerialProtocol } from "./serial-protocol.ts";
import { runSerialSession } from "./serial-session.ts";

/** The driver of one serial format. */
export const createSerialDriver = <R>(protocol: SerialProtocol<R>): SensorDriver<R> => {
  const zones = createZones();
  const driver: SensorDriver<R> = {
    id: protocol.id,
    version: protocol.version,
    transport: "serial",
    // A cable: the session lasts as long as it is plugged in, and the supervisor begins it again.
    stays: true,
    decode: (frame) => protocol.decode(frame),
    normalise: (record, context) => [draftReading(protocol.measure(record), context, zones)],
    session: async (transport, sink, context, signal) => {
      if (transport.kind !== "serial") {
        const message = `driver ${protocol.id}: speaks over a serial port, but was given a ${transport.kind} connection; correct the sensor's catalogue entry`;
        throw new HubError("invalid-argument", message);
      }
      return await runSerialSession(driver, protocol, zones, transport, sink, context, signal);
    },
  };
  return driver;
};
