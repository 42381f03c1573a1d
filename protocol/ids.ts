import type { Brand } from "./brand.ts";
import { HubError } from "./errors.ts";

/** Name of a hub in topics and certificates: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it is one MQTT topic level. */
export type HubId = Brand<string, "HubId">;
/** Opaque reference to the care relation that readings belong to. The hub never knows the person behind it. */
export type AssignmentId = Brand<string, "AssignmentId">;
/** The hub's own name of an enrolled sensor, from its configuration: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
export type SensorId = Brand<string, "SensorId">;
/** Certified catalogue entry, `maker-model`, for example `and-ua-651ble`. */
export type CatalogueId = Brand<string, "CatalogueId">;
/** Driver name as it stands in provenance before `@version`, for example `gatt-blood-pressure`. */
export type DriverId = Brand<string, "DriverId">;
/** The hub's number of a committed reading: 1, 2, 3 ... per hub, never reused. A gap means a loss. */
export type Seq = Brand<number, "Seq">;
/** `sha256:` and 64 lower-case hex digits; equal for two transmissions of the same measurement. */
export type Idem = Brand<string, "Idem">;
/** UUID version 5 derived from an Idem (RFC 9562 section 5.5). */
export type ReadingId = Brand<string, "ReadingId">;
/** Where bytes came from inside one transport: a 16-bit characteristic as `2a35`, or `serial`. */
export type ChannelId = Brand<string, "ChannelId">;

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

const named = (what: string, text: string): string => {
  if (!NAME.test(text)) {
    throw new HubError(
      "invalid-id",
      `${what} ${JSON.stringify(text)}: use 1 to 64 letters, digits, dots, dashes or underscores`,
    );
  }
  return text;
};

/** Throws HubError `invalid-id`. */
export const hubId = (text: string): HubId => named("hub id", text) as HubId;
/** Throws HubError `invalid-id`. */
export const sensorId = (text: string): SensorId => named("sensor id", text) as SensorId;
/** Throws HubError `invalid-id`. */
export const assignmentId = (text: string): AssignmentId => named("assignment id", text) as AssignmentId;
/** Throws HubError `invalid-id`. */
export const catalogueId = (text: string): CatalogueId => named("catalogue id", text) as CatalogueId;
export const driverId = (text: string): DriverId => text as DriverId;
export const channelId = (text: string): ChannelId => text.toLowerCase() as ChannelId;

/** Throws HubError `invalid-id` for anything but a positive safe integer. */
export const seq = (value: number): Seq => {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new HubError("invalid-id", `sequence number ${String(value)}: must be a whole number of 1 or more`);
  }
  return value as Seq;
};

export const SERIAL_CHANNEL: ChannelId = channelId("serial");
