import { HubError } from "../../protocol/errors.ts";
import type { BleLink, Transport } from "../../protocol/ports/transport.ts";
import type { SensorDriver } from "../driver.ts";
import { withAge } from "../normalise/age.ts";
import { draftReading } from "../normalise/reading.ts";
import { createZones } from "../normalise/zone.ts";
import { runGattSession } from "./gatt-session.ts";
import type { GattProfile } from "./profile.ts";

const isBleLink = (transport: Transport): transport is BleLink => transport.kind === "ble";

/** The driver of one GATT service. Its transport has to be a BleLink. */
export const createGattDriver = <R>(profile: GattProfile<R>): SensorDriver<R> => {
  const zones = createZones();
  const driver: SensorDriver<R> = {
    id: profile.id,
    version: profile.version,
    transport: "ble",
    stays: profile.stays,
    decode: (frame, channel) => profile.decode(frame, channel, []),
    normalise: (record, context) =>
      profile.measure(record).map((measurement) => withAge(draftReading(measurement, context, zones))),
    session: async (transport, sink, context, signal) => {
      if (!isBleLink(transport)) {
        const message = `driver ${profile.id}: speaks Bluetooth Low Energy, but was given a ${transport.kind} connection; correct the sensor's catalogue entry`;
        throw new HubError("invalid-argument", message);
      }
      return await runGattSession(driver, profile, zones, transport, sink, context, signal);
    },
  };
  return driver;
};
