import { HubError } from "../../protocol/errors.ts";
import { driverId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { BleLink, Transport } from "../../protocol/ports/transport.ts";
import type { VitalographTest } from "../decode/vitalograph.ts";
import type { SensorDriver, SessionEnd } from "../driver.ts";
import { draftReading } from "../normalise/reading.ts";
import { createZones } from "../normalise/zone.ts";
import { runSerialSession } from "../serial/serial-session.ts";
import { BLOW_TO_BLOW, VITALOGRAPH_VERSION, vitalographProtocol } from "../serial/vitalograph.ts";
import { createInformationReader } from "./sensor-information.ts";
import { openTerminal } from "./terminal-io.ts";

/** The sensor's line; or why there is none, where nothing failed but the connection. */
const openOrEnd = async (link: BleLink, clock: Clock, signal: AbortSignal): Promise<Transport | SessionEnd> => {
  try {
    return await openTerminal(link, clock, signal);
  } catch (thrown) {
    if (signal.aborted) return { readings: 0, reason: "aborted" };
    if (link.lost.aborted) return { readings: 0, reason: "disconnected" };
    throw thrown;
  }
};

const isBleLink = (transport: Transport): transport is BleLink => transport.kind === "ble";

/**
 * A Vitalograph lung monitor over Bluetooth Low Energy: the messages of its serial line, through Terminal I/O. It is
 * switched on for a session of blows, minutes apart, and switches itself off: so the hub stays connected until then.
 */
export const createVitalographBleDriver = (): SensorDriver<VitalographTest> => {
  const zones = createZones();
  const driver: SensorDriver<VitalographTest> = {
    id: driverId("gatt-vitalograph-lung-monitor"),
    version: VITALOGRAPH_VERSION,
    transport: "ble",
    stays: true,
    lull: BLOW_TO_BLOW,
    decode: (frame) => vitalographProtocol.decode(frame),
    normalise: (record, context) => [draftReading(vitalographProtocol.measure(record), context, zones)],
    session: async (transport, sink, context, signal) => {
      if (!isBleLink(transport)) {
        const message = `driver ${driver.id}: speaks Bluetooth Low Energy, but was given a ${transport.kind} connection; correct the sensor's catalogue entry`;
        throw new HubError("invalid-argument", message);
      }
      const opened = await openOrEnd(transport, context.clock, signal);
      if ("reason" in opened) return opened;
      await using terminal = opened;
      const information = createInformationReader(transport, context.sensor, [], context.logger);
      const closing = new AbortController();
      const informed = information.read(AbortSignal.any([signal, closing.signal]));
      const overTheAir: Pick<typeof driver, "id" | "version" | "normalise"> = {
        id: driver.id,
        version: driver.version,
        normalise: (record, serial) =>
          driver.normalise(record, {
            ...serial,
            transport: "ble",
            address: transport.address,
            device: information.known().device,
          }),
      };
      try {
        return await runSerialSession(overTheAir, vitalographProtocol, zones, terminal, sink, context, signal);
      } finally {
        closing.abort();
        await informed;
      }
    },
  };
  return driver;
};
