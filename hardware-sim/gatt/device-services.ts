import { createFieldReader, le16, octets, reversed } from "../radio/little-endian.ts";
import { ATT_ERROR } from "./att-codes.ts";
import type { CharacteristicDefinition, ServiceDefinition } from "./attribute-table.ts";
import { currentTime, dateTime, type LocalDateTime, readDateTime } from "./date-time.ts";
import type { DeviceClock } from "./device-clock.ts";

/** What a device says about itself (Device Information Service 180A). */
export interface DeviceIdentity {
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
  /** EUI-64 as 16 hex digits, company part first. Left out: the device does not tell. */
  readonly systemId?: string;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export const readable = (uuid: string, read: () => Uint8Array): CharacteristicDefinition => ({
  uuid,
  properties: ["read"],
  read,
});

/** Generic Access and Generic Attribute, which every device has. */
export const genericServices = (name: string): readonly ServiceDefinition[] => [
  {
    uuid: "1800",
    characteristics: [readable("2a00", () => text(name)), readable("2a01", () => octets(le16(0)))],
  },
  { uuid: "1801", characteristics: [{ uuid: "2a05", properties: ["indicate"] }] },
];

export const deviceInformation = (identity: DeviceIdentity): ServiceDefinition => {
  const { systemId } = identity;
  return {
    uuid: "180a",
    characteristics: [
      // On the air least significant octet first: the manufacturer's 40 bits, then the company's 24 (2A23).
      ...(systemId === undefined ? [] : [readable("2a23", () => reversed(Buffer.from(systemId, "hex")))]),
      readable("2a24", () => text(identity.model)),
      readable("2a25", () => text(identity.serial)),
      readable("2a26", () => text(identity.firmware)),
      readable("2a29", () => text(identity.manufacturer)),
    ],
  };
};

export const batteryService = (percent: () => number): ServiceDefinition => ({
  uuid: "180f",
  characteristics: [{ ...readable("2a19", () => octets(percent())), properties: ["read", "notify"] }],
});

const isPlausible = ({ year, month, day, hours, minutes, seconds }: LocalDateTime): boolean =>
  year >= 1582 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hours < 24 && minutes < 60 && seconds < 60;

const setFrom = (clock: DeviceClock, value: Uint8Array, length: number, onSet: () => void): number | null => {
  if (value.length !== length) return ATT_ERROR.INVALID_LENGTH;
  const to = readDateTime(createFieldReader(value));
  // The Date Time characteristic gives unknown fields as 0; a clock cannot be set to those.
  if (!isPlausible(to)) return ATT_ERROR.APPLICATION;
  clock.set(to);
  onSet();
  return null;
};

/** Current Time Service 1805: the sensor's clock, which a central may set. */
export const currentTimeService = (clock: DeviceClock, onSet: () => void): ServiceDefinition => ({
  uuid: "1805",
  characteristics: [
    {
      uuid: "2a2b",
      properties: ["read", "write", "notify"],
      read: () => octets(currentTime(clock.readMs() ?? 0)),
      write: (value) => setFrom(clock, value, 10, onSet),
    },
  ],
});

/** Date Time 2A08, which some makers place in the service of the measurement. */
export const dateTimeCharacteristic = (clock: DeviceClock, onSet: () => void): CharacteristicDefinition => ({
  uuid: "2a08",
  properties: ["read", "write"],
  read: () => {
    const at = clock.read();
    return octets(at === null ? new Uint8Array(7) : dateTime(at));
  },
  write: (value) => setFrom(clock, value, 7, onSet),
});
