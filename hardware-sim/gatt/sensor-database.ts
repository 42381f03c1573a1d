import type { CharacteristicDefinition, ServiceDefinition } from "./attribute-table.ts";
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
  /** The value of its indication, or those of its indications where it takes several. */
  encode(values: V, at: LocalDateTime | null): Uint8Array | readonly Uint8Array[];
}

export const indicationsOf = (encoded: Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] =>
  encoded instanceof Uint8Array ? [encoded] : encoded;

/**
 * The services that a sensor shows: its own, with what every sensor has around it. The clock stands where
 * `options.clockSetting` says, and `clockSet` runs when a central has set it.
 */
export const createServiceDatabase = (
  service: ServiceDefinition,
  options: SensorOptions,
  deviceClock: DeviceClock,
  clockSet: () => void,
): GattServer => {
  const setting = deviceClock.read() === null ? "none" : (options.clockSetting ?? "current-time");
  return createGattServer([
    ...genericServices(options.name ?? options.identity.model),
    deviceInformation(options.identity),
    batteryService(() => options.batteryPercent ?? SENSOR_DEFAULTS.batteryPercent),
    ...(setting === "current-time" ? [currentTimeService(deviceClock, clockSet)] : []),
    {
      uuid: service.uuid,
      characteristics: [
        ...service.characteristics,
        ...(setting === "date-time" ? [dateTimeCharacteristic(deviceClock, clockSet)] : []),
      ],
    },
  ]);
};

/** The same for a sensor of stored measurements. */
export const createSensorDatabase = <V>(
  profile: StoredMeasurementProfile<V>,
  options: SensorOptions,
  deviceClock: DeviceClock,
  clockSet: () => void,
): GattServer => {
  const { security = "open" } = options;
  const measurement: CharacteristicDefinition = { uuid: profile.measurement, properties: ["indicate"], security };
  const service = { uuid: profile.service, characteristics: [measurement, ...profile.characteristics] };
  return createServiceDatabase(service, options, deviceClock, clockSet);
};
