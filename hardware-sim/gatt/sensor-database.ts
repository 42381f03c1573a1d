import type { CharacteristicDefinition } from "./attribute-table.ts";
import type { LocalDateTime } from "./date-time.ts";
import type { DeviceClock } from "./device-clock.ts";
import {
  batteryService,
  currentTimeService,
  dateTimeCharacteristic,
  deviceInformation,
  genericServices,
} from "./device-services.ts";
import { createGattServer, type GattServer } from "./gatt-server.ts";
import { SENSOR_DEFAULTS, type SensorOptions } from "./sensor-options.ts";

/** A kind of sensor as data: its service and how it writes a measurement. */
export interface StoredMeasurementProfile<V> {
  readonly service: string;
  /** Indicated characteristic. */
  readonly measurement: string;
  readonly characteristics: readonly CharacteristicDefinition[];
  encode(values: V, at: LocalDateTime | null): Uint8Array;
}

/** The services that a battery sensor of this kind shows. `clockSet` runs when a central has set its clock. */
export const createSensorDatabase = <V>(
  profile: StoredMeasurementProfile<V>,
  options: SensorOptions,
  deviceClock: DeviceClock,
  clockSet: () => void,
): GattServer => {
  const setting = deviceClock.read() === null ? "none" : (options.clockSetting ?? "current-time");
  const { security = "open" } = options;
  return createGattServer([
    ...genericServices(options.name ?? options.identity.model),
    deviceInformation(options.identity),
    batteryService(() => options.batteryPercent ?? SENSOR_DEFAULTS.batteryPercent),
    ...(setting === "current-time" ? [currentTimeService(deviceClock, clockSet)] : []),
    {
      uuid: profile.service,
      characteristics: [
        { uuid: profile.measurement, properties: ["indicate"], security },
        ...profile.characteristics,
        ...(setting === "date-time" ? [dateTimeCharacteristic(deviceClock, clockSet)] : []),
      ],
    },
  ]);
};
