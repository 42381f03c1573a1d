import { type Decoded, decoded, malformed, type ReadingContext, type SensorDriver } from "../../../drivers/driver.ts";
import { deviceOfCatalogue } from "../../../drivers/normalise/device.ts";
import { draftReading } from "../../../drivers/normalise/reading.ts";
import { createZones } from "../../../drivers/normalise/zone.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../../protocol/codes.ts";
import { driverId } from "../../../protocol/ids.ts";
import type { DraftReading } from "../../../protocol/reading.ts";

/** Ways in which the toy driver may be wrong. */
export interface ToyFaults {
  /** Throws something that is no HubError for a value that is too short. */
  readonly throwsOnShort?: boolean;
  /** Reads a missing octet as 0. */
  readonly invents?: boolean;
  /** Confirms before the reading is durable. */
  readonly confirmsEarly?: boolean;
  /** Gives every reading twice. */
  readonly doubles?: boolean;
  /** Waits for a next value for ever, whatever it is told. */
  readonly hangs?: boolean;
  /** Goes on when the outbox refuses. */
  readonly swallows?: boolean;
  /** Loses what it holds when the connection ends: it gives a reading when the next value comes. */
  readonly holds?: boolean;
}

const zones = createZones();

/** A thermometer of two octets, tenths of a degree, big-endian, on characteristic 2a1c. */
export const createToyDriver = (faults: ToyFaults = {}): SensorDriver<number> => {
  const decode = (frame: Uint8Array): Decoded<number> => {
    const [high, low] = frame;
    if (high === undefined || low === undefined) {
      if (faults.throwsOnShort === true) throw new TypeError("low is undefined");
      if (faults.invents !== true) return malformed("truncated", `toy value: 2 octets needed, ${frame.length} found`);
    }
    return frame.length > 2 ? malformed("format", "toy value: too long") : decoded(((high ?? 0) << 8) | (low ?? 0));
  };
  const normalise = (tenths: number, context: ReadingContext): readonly DraftReading[] => {
    const { mdc, name } = codeOf("body-temperature");
    const values = [{ mdc, name, value: tenths / 10, decimals: 1, unit: "Cel" }];
    const rest = { supplemental: [], context: {}, flags: [], quality: [], time: null } as const;
    return [draftReading({ kind: "body-temperature", status: "final", values, ...rest }, context, zones)];
  };
  const driver: SensorDriver<number> = {
    id: driverId("toy"),
    version: "1.0.0",
    transport: "ble",
    stays: false,
    decode,
    normalise,
    session: async (transport, sink, { sensor, hub, zone, clock }, signal) => {
      let readings = 0;
      let held: readonly DraftReading[] | null = null;
      const over = new Promise<"over">((resolve) => {
        const stop = (): void => resolve("over");
        if (faults.hangs !== true) signal.addEventListener("abort", stop, { once: true });
        const limit = faults.hangs === true ? Number.MAX_SAFE_INTEGER : 60_000;
        clock.sleep(limit as never, new AbortController().signal).then(stop, stop);
      });
      const values = transport.incoming[Symbol.asyncIterator]();
      const take = async (drafts: readonly DraftReading[]): Promise<void> => {
        try {
          await sink.take(drafts);
          if (faults.doubles === true) await sink.take(drafts);
        } catch (thrown) {
          if (faults.swallows !== true) throw thrown;
        }
        readings += drafts.length;
      };
      for (;;) {
        const next = await Promise.race([values.next(), over]);
        if (next === "over") return { readings, reason: signal.aborted ? "aborted" : "complete" };
        if (next.done === true) return { readings, reason: "disconnected" };
        const received = next.value;
        if (faults.confirmsEarly === true) received.confirm();
        const found = decode(received.bytes);
        if (found.tag === "malformed") {
          const reason = `${found.reason}: ${found.detail}`;
          const rawHex = toHex(received.bytes);
          await sink.keepUnreadable({
            sensor: sensor.id,
            channel: received.channel,
            reason,
            rawHex,
            receivedUtc: null,
          });
        } else {
          const drafts = normalise(found.record, {
            assignment: sensor.assignment,
            hub,
            device: deviceOfCatalogue(sensor),
            address: "toy",
            driver,
            transport: "ble",
            source: received.channel,
            raw: received.bytes,
            at: received.at,
            pair: null,
            counter: await sink.nextCounter(),
            zone,
          });
          if (faults.holds !== true) await take(drafts);
          else {
            if (held !== null) await take(held);
            held = drafts;
          }
        }
        received.confirm();
      }
    },
  };
  return driver;
};

/** Two temperatures, 37.2 and 38.0, and the end of the connection. */
export const TOY_CAPTURE = `schema: capture/1
about: Two temperatures of a toy
source: written for this test
driver: toy
zone: Europe/Stockholm
hub: { clock: "2026-06-15T12:00:00.000Z" }
link:
  - { channel: "2a1c", properties: [indicate] }
session:
  - { at: 500, value: "2a1c", hex: "01 74" }
  - { at: 900, value: "2a1c", hex: "01 7c" }
  - { at: 2000, disconnect: true }
expect:
  readings:
    - kind: body-temperature
      values: [{ quantity: body-temperature, value: 37.2, decimals: 1, unit: Cel }]
      time: { start: "2026-06-15T12:00:00.500Z", basis: reception, withinMs: 30000 }
    - kind: body-temperature
      values: [{ quantity: body-temperature, value: 38.0, decimals: 1, unit: Cel }]
  end: disconnected
`;
