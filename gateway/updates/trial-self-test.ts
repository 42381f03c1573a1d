import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ReadingContext, SensorDriver } from "../../drivers/driver.ts";
import { driverOf } from "../../drivers/registry.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { messageOf } from "../../protocol/errors.ts";
import { assignmentId, channelId, hubId, seq } from "../../protocol/ids.ts";
import type { Reading } from "../../protocol/reading.ts";
import { epochMs, millis } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { boundOf, crcOf, decodeRow, encodePayload, SEALED_JSON } from "../store/payload.ts";
import { createSeal, KEY_BYTES } from "../store/seal.ts";
import { HUB_VERSION } from "../version.ts";

/** A published measurement (tests/vectors/vectors.json, v041): 124/86 mmHg, mean 97, pulse 51. */
const MEASUREMENT = { driver: "gatt-blood-pressure", channel: "2a35", hex: "167c0056006100e807060f11111b33000000" };
const EXPECTED = [124, 86, 97, 51];

/** Of nobody: none of it reaches outbox or region. */
const context = (driver: SensorDriver<unknown>, raw: Uint8Array): ReadingContext => ({
  assignment: assignmentId("self-test"),
  hub: { id: hubId("self-test"), version: HUB_VERSION },
  device: {
    systemId: null,
    manufacturer: null,
    model: null,
    serial: null,
    firmware: null,
    udi: null,
    catalogue: "self-test@1",
    batteryPercent: null,
  },
  address: "00:00:00:00:00:00",
  driver,
  transport: "ble",
  source: MEASUREMENT.channel,
  raw,
  at: {
    utc: epochMs(Date.UTC(2026, 5, 15, 12, 0, 0)),
    bootId: "self-test",
    monoMs: millis(1000),
    hubClock: { state: "ntp", errorMs: 20 },
  },
  pair: null,
  counter: 1,
  zone: "Europe/Stockholm",
});

const readingOf = (driver: SensorDriver<unknown>): Reading | string => {
  const raw = fromHex(MEASUREMENT.hex);
  const decoded = driver.decode(raw, channelId(MEASUREMENT.channel));
  if (decoded.tag === "malformed") return `a published measurement cannot be decoded: ${decoded.detail}`;
  const [draft] = driver.normalise(decoded.record, context(driver, raw));
  if (draft === undefined) return "a published measurement makes no reading";
  const numbers = draft.values.map((one) => ("value" in one ? one.value : null));
  if (!isDeepStrictEqual(numbers, EXPECTED)) return "a published measurement is decoded to other values";
  const valid = createReadingValidator()({ ...draft, seq: 1 });
  return valid.tag === "ok" ? valid.reading : `a reading does not fit its schema: ${valid.reason}`;
};

const throughStore = (reading: Reading): string | null => {
  const seal = createSeal(randomBytes(KEY_BYTES));
  const { seq: _number, ...draft } = reading;
  const [at, digest] = [seq(1), seal.digestOf(draft.idem)];
  const payload = seal.seal(encodePayload(draft), boundOf(at, digest));
  const row = { seq: at, format: SEALED_JSON, digest, crc: crcOf(at, digest, payload), payload };
  const read = decodeRow(row, seal);
  if (read.tag === "malformed") return `a reading that was sealed cannot be opened: ${read.reason}`;
  return isDeepStrictEqual(read.value, { ...draft, seq: at })
    ? null
    : "a reading that was sealed is another one when opened";
};

/**
 * From the octets of a sensor to a sealed row and back, with the code that runs: that this release has not lost a decoder,
 * the schema, zone data or the cipher on its way here. What is wrong, as a clause; null where all is right. Never rejects.
 */
export const selfTest = async (): Promise<string | null> => {
  try {
    const driver = driverOf(MEASUREMENT.driver);
    if (driver === undefined) return `there is no driver ${MEASUREMENT.driver}`;
    const reading = readingOf(driver);
    return typeof reading === "string" ? reading : throughStore(reading);
  } catch (thrown) {
    return messageOf(thrown);
  }
};
