import type { SensorDriver } from "../../drivers/driver.ts";
import type { Received, Transport } from "../../protocol/ports/transport.ts";
import { type Millis, minutes } from "../../protocol/time.ts";
import type { Enrolment } from "../config/enrol.ts";
import { type CareLeases, LULL } from "./care-leases.ts";

/** A session with an end has 120 s, and some more to hang up (drivers/ble/sensor-session.ts). */
const LONGEST_SESSION: Millis = minutes(3);

async function* telling(incoming: AsyncIterable<Received>, heard: () => void): AsyncGenerator<Received> {
  for await (const received of incoming) {
    heard();
    yield received;
  }
}

/**
 * The same sensor, whose measurements are told to `leases`. A session that ends by itself counts as a whole: a sensor
 * connects to tell what it has measured. One that stays (a stream, a serial line, which is open also while nobody
 * measures) counts by what it brings.
 */
export const withCare = (enrolment: Enrolment, leases: CareLeases): Enrolment => {
  const { driver, sensor } = enrolment;
  const what = `sensor ${sensor.id}`;

  const streaming = (transport: Transport, lull: Millis): Transport => {
    const heard = (): void => leases.heard(what, lull);
    // Over Bluetooth a sensor is connected only while somebody uses it.
    if (transport.kind === "ble") heard();
    return { ...transport, incoming: telling(transport.incoming, heard) };
  };

  const session: SensorDriver<unknown>["session"] = async (transport, sink, context, signal) => {
    const { stays, lull = LULL } = driver;
    // What a meter keeps can be asked for again.
    if (stays && lull === null) return await driver.session(transport, sink, context, signal);
    if (stays && lull !== null) return await driver.session(streaming(transport, lull), sink, context, signal);
    const lease = leases.begin(what, LONGEST_SESSION);
    try {
      return await driver.session(transport, sink, context, signal);
    } finally {
      lease.end();
    }
  };
  return { ...enrolment, driver: { ...driver, session } };
};
