import { messageOf } from "../../protocol/errors.ts";
import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import type { ReadingDevice } from "../../protocol/reading.ts";
import { decodeBattery } from "../decode/battery.ts";
import { decodeDeviceText, decodeSystemId } from "../decode/device-information.ts";
import type { Decoded, EnrolledSensor } from "../driver.ts";
import { deviceOfCatalogue } from "../normalise/device.ts";
import type { Statics } from "./statics.ts";

/** What is known of a sensor so far. Reading goes on while the first measurement is waited for. */
export interface SensorInformation {
  readonly device: ReadingDevice;
  readonly statics: Statics;
}

const valueOrNull = <T>(decoded: Decoded<T>): T | null => (decoded.tag === "ok" ? decoded.record : null);

type Learned = Partial<ReadingDevice>;

/** Characteristic by characteristic, in the order of their worth to a reading: identity first, battery last. */
const STEPS: readonly (readonly [ChannelId, (bytes: Uint8Array) => Learned])[] = [
  [channelId("2a23"), (bytes) => ({ systemId: valueOrNull(decodeSystemId(bytes))?.systemId ?? null })],
  [channelId("2a25"), (bytes) => ({ serial: valueOrNull(decodeDeviceText(bytes)) })],
  [channelId("2a26"), (bytes) => ({ firmware: valueOrNull(decodeDeviceText(bytes)) })],
  [channelId("2a24"), (bytes) => textOrNothing("model", bytes)],
  [channelId("2a29"), (bytes) => textOrNothing("manufacturer", bytes)],
  [channelId("2a19"), (bytes) => ({ batteryPercent: valueOrNull(decodeBattery(bytes))?.percent ?? null })],
];

const textOrNothing = (field: "model" | "manufacturer", bytes: Uint8Array): Learned => {
  const text = valueOrNull(decodeDeviceText(bytes));
  return text === null ? {} : { [field]: text };
};

const canRead = (link: BleLink, channel: ChannelId): boolean =>
  link.characteristics.some((one) => one.channel === channel && one.properties.has("read"));

export interface InformationReader {
  /** What is known now. */
  known(): SensorInformation;
  /** Resolves when everything was tried; never rejects: nothing of it is required. Stops early on the signal. */
  read(signal: AbortSignal): Promise<void>;
}

/** Reads the profile's statics, then identity, firmware, names and battery. */
export const createInformationReader = (
  link: BleLink,
  sensor: EnrolledSensor,
  statics: readonly ChannelId[],
  logger: Logger,
): InformationReader => {
  let device = deviceOfCatalogue(sensor);
  const found = new Map<ChannelId, Uint8Array>();
  const step = async (channel: ChannelId, learn: (bytes: Uint8Array) => void, signal: AbortSignal): Promise<void> => {
    if (signal.aborted || link.lost.aborted || !canRead(link, channel)) return;
    try {
      learn(await link.read(channel, signal));
    } catch (thrown) {
      if (!signal.aborted) logger.debug("sensor information not read", { channel, found: messageOf(thrown) });
    }
  };
  return {
    known: () => ({ device, statics: found }),
    read: async (signal) => {
      for (const channel of statics) await step(channel, (bytes) => found.set(channel, bytes), signal);
      for (const [channel, learn] of STEPS) {
        await step(
          channel,
          (bytes) => {
            device = { ...device, ...learn(bytes) };
          },
          signal,
        );
      }
    },
  };
};
