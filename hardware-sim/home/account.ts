import type { Reading } from "../../protocol/reading.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import type { AcceptedReading } from "../region/hub-account.ts";
import type { Clip, SentPacket } from "../serial/nonin-stream.ts";
import { bytesKey, differenceOf } from "./matching.ts";
import type { Outage, SensorName, StreamTruth, Truth } from "./truth.ts";
import { dutyOf } from "./windows.ts";

/** A hub that is up this long after a sensor's last byte has had time to store the reading (a slow card's fsync). */
export const TIME_TO_STORE = seconds(2);

export interface AccountInput {
  readonly truths: readonly Truth[];
  readonly streams: readonly StreamTruth[];
  /** What took effect at the region, in order, with the name of the sensor it is from; null: of no sensor here. */
  readonly accepted: readonly { readonly sensor: SensorName | null; readonly reading: AcceptedReading }[];
  readonly outages: readonly Outage[];
}

export interface SensorAccount {
  /** Measurements owed or delivered. */
  readonly taken: number;
  /** Of these, how many are at the region. */
  readonly delivered: number;
  readonly lost: number;
  /** Given away while no hub could take them, and not delivered. */
  readonly interrupted: number;
  /** Spoiled by the line, and not delivered. */
  readonly disturbed: number;
}

/** A reading at the region with the measurement that it is of. */
export interface Delivery {
  readonly sensor: SensorName;
  readonly number: number;
  readonly accepted: AcceptedReading;
  readonly lastByteAt: Millis | null;
}

export interface Account extends SensorAccount {
  readonly perSensor: Readonly<Record<SensorName, SensorAccount>>;
  /** One measurement that took effect more than once. */
  readonly duplicatesInEffect: number;
  /** Which readings are the same measurement, and in what they differ. */
  readonly duplicates: readonly string[];
  /** Readings whose values are not those that the sensor measured: sensor and what differs. */
  readonly altered: readonly string[];
  /** Readings that no sensor here sent. */
  readonly unexplained: readonly string[];
  readonly deliveries: readonly Delivery[];
  /**
   * Until when something that nobody owes may still arrive (the hub had it, though it need not have): `TIME_TO_STORE`
   * after its last byte. Null where there is no such thing.
   */
  readonly mayArriveUntil: Millis | null;
  /** The first of what is lost, for people. */
  readonly missing: readonly string[];
}

type Mutable = { -readonly [K in keyof SensorAccount]: SensorAccount[K] };

/** Most examples kept of anything that went wrong. */
const MAX_EXAMPLES = 20;

const wasOut = (outages: readonly Outage[], from: Millis, to: Millis): boolean =>
  outages.some((outage) => outage.from <= to && (outage.to === null || outage.to >= from));

/** Owed, or why not. */
const standing = (truth: Truth, outages: readonly Outage[]): "owed" | "interrupted" | "disturbed" => {
  if (truth.delivery === "unheard" || truth.delivery === "early") return "interrupted";
  if (truth.delivery === "disturbed") return "disturbed";
  if (truth.retains || truth.delivery === "waiting") return "owed";
  const end = millis((truth.lastByteAt ?? truth.measuredAt) + TIME_TO_STORE);
  return wasOut(outages, truth.measuredAt, end) ? "interrupted" : "owed";
};

/**
 * Holds what the region has against what the sensors know that they measured (the rules: `Truth`, `ClipDuty`).
 *
 * A reading belongs to the first measurement of its sensor with the same bytes that no earlier reading belongs to, so
 * two measurements that look alike need two readings. Bytes that only belong to measurements which have their reading
 * already are a measurement twice in effect; bytes that no measurement had are unexplained. Values are compared as
 * decoded, at their precision. A measurement that is there although nobody owed it counts as taken and delivered.
 */
export const accountOf = (input: AccountInput): Account => {
  const perSensor: Record<SensorName, Mutable> = {};
  const of = (sensor: SensorName): Mutable => {
    perSensor[sensor] ??= { taken: 0, delivered: 0, lost: 0, interrupted: 0, disturbed: 0 };
    return perSensor[sensor];
  };
  const altered: string[] = [];
  const unexplained: string[] = [];
  const missing: string[] = [];
  const deliveries: Delivery[] = [];
  const duplicates: string[] = [];
  let mayArriveUntil: Millis | null = null;

  const bySensor = Map.groupBy(input.accepted, (one) => one.sensor);
  for (const { reading } of bySensor.get(null) ?? []) {
    unexplained.push(`${reading.reading.device.catalogue}: no such sensor in this home`);
  }

  const deliver = (sensor: SensorName, number: number, values: Truth["values"], at: Millis | null) => {
    return (accepted: AcceptedReading): void => {
      const difference = differenceOf(values, accepted.reading);
      if (difference !== null) altered.push(`${sensor} ${number}: ${difference}`);
      deliveries.push({ sensor, number, accepted, lastByteAt: at });
    };
  };

  /** Gives each reading of a sensor its measurement; returns which measurements have one. */
  const match = <T>(sensor: SensorName, known: readonly T[], rawsOf: (one: T) => readonly string[]) => {
    const byBytes = new Map<string, T[]>();
    for (const one of known) {
      for (const key of new Set(rawsOf(one).map(bytesKey))) {
        const alike = byBytes.get(key);
        if (alike === undefined) byBytes.set(key, [one]);
        else alike.push(one);
      }
    }
    const matched = new Map<T, AcceptedReading>();
    for (const { reading } of bySensor.get(sensor) ?? []) {
      const alike = byBytes.get(bytesKey(reading.reading.provenance.rawHex)) ?? [];
      const free = alike.find((one) => !matched.has(one));
      if (free !== undefined) matched.set(free, reading);
      else if (alike.length > 0)
        duplicates.push(
          twiceOf(
            sensor,
            reading,
            alike.map((one) => matched.get(one)),
          ),
        );
      else unexplained.push(`${sensor}: reading ${reading.reading.seq} has bytes that the sensor did not send`);
    }
    return matched;
  };

  const settle = (sensor: SensorName, truths: readonly Truth[]): void => {
    const account = of(sensor);
    const matched = match(sensor, truths, (truth) => truth.raws);
    for (const truth of truths) {
      const reading = matched.get(truth);
      const state = standing(truth, input.outages);
      if (reading !== undefined) {
        account.taken += 1;
        account.delivered += 1;
        deliver(sensor, truth.number, truth.values, truth.lastByteAt)(reading);
      } else if (state === "owed") {
        account.taken += 1;
        account.lost += 1;
        missing.push(`${sensor} ${truth.number} (${truth.delivery})`);
      } else {
        account[state] += 1;
        if (truth.lastByteAt !== null) {
          mayArriveUntil = millis(Math.max(mayArriveUntil ?? 0, truth.lastByteAt + TIME_TO_STORE));
        }
      }
    }
  };

  const settleStream = ({ sensor, clips }: StreamTruth): void => {
    const account = of(sensor);
    const places = clips
      .flatMap((clip) => clip.packets.map((packet) => ({ clip, packet })))
      .map((place, index) => ({ ...place, number: index + 1 }));
    const matched = match(sensor, places, ({ packet }) => [packet.hex]);
    const found = new Map<Clip, number>();
    for (const [{ clip, packet, number }, reading] of matched) {
      found.set(clip, (found.get(clip) ?? 0) + 1);
      if (!packet.valid)
        altered.push(`${sensor}: reading from a packet without a valid value (${nameOf(clip, packet)})`);
      deliver(sensor, number, packet.values, packet.sentAt)(reading);
    }
    for (const clip of clips) {
      const { owed, excused } = dutyOf(clip.packets);
      const delivered = found.get(clip) ?? 0;
      const lost = Math.max(0, owed - delivered);
      account.delivered += delivered;
      account.lost += lost;
      account.taken += delivered + lost;
      account.interrupted += Math.max(0, owed + excused - delivered - lost);
      if (lost > 0) missing.push(`${sensor} clip ${clip.number}: ${delivered} of ${owed} readings`);
    }
  };

  for (const [sensor, truths] of Map.groupBy(input.truths, (one) => one.sensor)) settle(sensor, truths);
  for (const stream of input.streams) settleStream(stream);
  for (const [sensor, readings] of bySensor) {
    if (sensor === null || perSensor[sensor] !== undefined) continue;
    for (const { reading } of readings)
      unexplained.push(`${sensor}: reading ${reading.reading.seq} before it measured`);
  }

  const total = (field: keyof SensorAccount): number =>
    Object.values(perSensor).reduce((sum, one) => sum + one[field], 0);
  return {
    taken: total("taken"),
    delivered: total("delivered"),
    lost: total("lost"),
    interrupted: total("interrupted"),
    disturbed: total("disturbed"),
    perSensor,
    duplicatesInEffect: duplicates.length,
    duplicates: duplicates.slice(0, MAX_EXAMPLES),
    altered: altered.slice(0, MAX_EXAMPLES),
    unexplained: unexplained.slice(0, MAX_EXAMPLES),
    deliveries,
    mayArriveUntil,
    missing: missing.slice(0, MAX_EXAMPLES),
  };
};

const nameOf = (clip: Clip, packet: SentPacket): string => `clip ${clip.number}, packet ${packet.index}`;

/** Two readings of one measurement: in which parts of what makes a reading the same they differ. */
const twiceOf = (
  sensor: SensorName,
  second: AcceptedReading,
  firsts: readonly (AcceptedReading | undefined)[],
): string => {
  const first = firsts.find((one) => one !== undefined)?.reading;
  const { reading } = second;
  const parts = (one: Reading | undefined): Record<string, unknown> => ({
    systemId: one?.device.systemId,
    serial: one?.device.serial,
    deviceTime: one?.time.deviceRaw?.text,
    values: JSON.stringify(one?.values),
    idem: one?.idem,
  });
  const [a, b] = [parts(first), parts(reading)];
  const differing = Object.keys(a).filter((name) => a[name] !== b[name]);
  return `${sensor}: readings ${first?.seq} and ${reading.seq} are one measurement (they differ in ${differing.join(", ")})`;
};
