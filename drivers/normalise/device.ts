import type { ReadingDevice } from "../../protocol/reading.ts";
import type { EnrolledSensor } from "../driver.ts";

/** Who a sensor is while it has told nothing about itself: what its catalogue entry says. */
export const deviceOfCatalogue = (sensor: EnrolledSensor): ReadingDevice => ({
  systemId: null,
  manufacturer: sensor.manufacturer,
  model: sensor.model,
  serial: null,
  firmware: null,
  udi: sensor.udi,
  catalogue: `${sensor.catalogue.id}@${sensor.catalogue.version}`,
  batteryPercent: null,
});
