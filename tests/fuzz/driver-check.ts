import { decodeKinds } from "../../drivers/decode/kinds.ts";
import type { ReadingContext, SensorDriver } from "../../drivers/driver.ts";
import { assignmentId, type ChannelId, channelId, hubId, SERIAL_CHANNEL } from "../../protocol/ids.ts";
import { epochMs, millis } from "../../protocol/time.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import type { Verdict } from "./checks.ts";

/** Characteristics that a Bluetooth driver may be given: all that have a decoder, its own among them. */
const CHANNELS: readonly ChannelId[] = decodeKinds
  .filter((kind) => /^ble\.[0-9a-f]{4}$/.test(kind))
  .map((kind) => channelId(kind.slice(4)));

export const channelsOf = (driver: SensorDriver<unknown>): readonly ChannelId[] =>
  driver.transport === "serial" ? [SERIAL_CHANNEL] : CHANNELS;

const contextOf = (driver: SensorDriver<unknown>, channel: ChannelId, raw: Uint8Array): ReadingContext => ({
  assignment: assignmentId("fuzz"),
  hub: { id: hubId("fuzz"), version: "0" },
  device: {
    systemId: null,
    manufacturer: "Maker",
    model: "Model",
    serial: null,
    firmware: null,
    udi: null,
    catalogue: "maker-model@1",
    batteryPercent: null,
  },
  address: "00:00:5e:00:53:01",
  driver,
  transport: driver.transport,
  source: driver.transport === "ble" ? channel : driver.id,
  raw,
  at: {
    utc: epochMs(Date.UTC(2026, 5, 15, 12)),
    bootId: "fuzz",
    monoMs: millis(1000),
    hubClock: { state: "ntp", errorMs: 20 },
  },
  pair: null,
  counter: 1,
  zone: "Europe/Stockholm",
});

/** A driver's decoder and normaliser make of any bytes nothing, or readings by reading-1.schema.json. */
export const checkDriver = (
  driver: SensorDriver<unknown>,
  channel: ChannelId,
  bytes: Uint8Array,
  validate: ReadingValidator,
): Verdict => {
  const decoded = driver.decode(bytes, channel);
  if (decoded.tag === "malformed") return decoded.detail === "" ? "an error without a detail" : null;
  for (const reading of driver.normalise(decoded.record, contextOf(driver, channel, bytes))) {
    for (const one of reading.values) {
      if (one.value !== null && !Number.isFinite(one.value)) return `a value that is no number (${one.name})`;
    }
    const checked = validate({ ...reading, seq: 1 });
    if (checked.tag === "invalid") return `no reading: ${checked.reason}`;
  }
  return null;
};
