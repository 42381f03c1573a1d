import fc from "fast-check";
import { rawTextOf } from "../../drivers/decode/date-time.ts";
import type { EndedTimeline } from "../../drivers/driver.ts";
import { withEnded } from "../../drivers/gatt/ended-timelines.ts";
import { dateTimeOf } from "../../drivers/normalise/civil-time.ts";
import type { TimeInput } from "../../drivers/normalise/time.ts";
import { exchangePair, pairFor, timeToSet } from "../../drivers/normalise/timeline.ts";
import { createZones, type Zone } from "../../drivers/normalise/zone.ts";
import { type Arrival, epochMs, type HubClockState, millis } from "../../protocol/time.ts";

/*
 * A home with true time, of which hub and sensor only see what their clocks show. What is taken for granted of sensors
 * (docs/decisions/2026-11-22-time.md): a crystal within 50 ppm; owners turn a clock when clocks are turned, or never;
 * a clock that loses its time begins in 2020 or before; nobody else changes it between measurement and connection.
 */

const SECOND = 1000;
const MINUTE = 60_000;
const DAY = 86_400_000;

const zones = createZones();
const ZONES = ["Europe/Stockholm", "Europe/Lisbon", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"];

/** What the sensor's clock shows on the civil time line at a true time. */
type SensorClock = (trueMs: number) => number;

export interface World {
  readonly zone: string;
  /** When the hub begins to speak with the sensor. */
  readonly connected: number;
  readonly sensor:
    | { readonly tag: "free"; readonly offset: number }
    | { readonly tag: "kept"; readonly offset: number }
    | { readonly tag: "restarted"; readonly year: number; readonly ago: number; readonly offset: number };
  readonly drift: number;
  /** The stamp has no seconds. */
  readonly isCoarse: boolean;
  readonly channel: "none" | "write" | "read" | "read-write";
  /** Round trips of the first read, the write and the second read, and where in them the sensor acts. */
  readonly trips: readonly { readonly took: number; readonly share: number }[];
  readonly hub: {
    readonly state: HubClockState;
    readonly errorMs: number | null;
    /** Its error as a share of the one that it states; in hours where it states none. */
    readonly wrong: number;
    readonly drift: number;
    /** In hours: how far the clock was off until it was set right between the pair and the record. */
    readonly stepped: number;
  };
  /** At an earlier connection the hub set the clock, which was off by so much more before; null: it did not. */
  readonly earlier: { readonly ago: number; readonly by: number; readonly wrong: number } | null;
  /** Measured so long before it was received. */
  readonly age: number;
  readonly isStored: boolean;
  /** Received so long after the clocks were read. */
  readonly after: number;
  readonly weekday: number;
}

const near = (center: number, reach: number): fc.Arbitrary<number> =>
  fc.integer({ min: -reach, max: reach }).map((by) => center + by);

const CHANGES = [
  Date.UTC(2026, 2, 29, 1),
  Date.UTC(2026, 9, 25, 1),
  Date.UTC(2026, 10, 1, 4, 30),
  Date.UTC(2026, 3, 4, 15),
];

const offsets = fc.oneof(
  fc.constant(0),
  near(0, 900),
  near(0, 10 * MINUTE),
  fc.constantFrom(-60 * MINUTE, 60 * MINUTE, 30 * MINUTE),
  near(0, 14 * 60 * MINUTE),
  near(0, 900 * DAY),
);

const hubs = fc
  .constantFrom<{ state: HubClockState; errorMs: number | null }>(
    { state: "ntp", errorMs: 100 },
    { state: "holdover", errorMs: 4420 },
    { state: "holdover", errorMs: 60_000 },
    { state: "rtc", errorMs: null },
    { state: "unset", errorMs: null },
  )
  .chain((clock) =>
    fc.record({
      state: fc.constant(clock.state),
      errorMs: fc.constant(clock.errorMs),
      wrong: fc.double({ min: -1, max: 1, noNaN: true }),
      drift: near(0, 50).map((ppm) => ppm * 1e-6),
      stepped: fc.constantFrom(0, 0, 0, -5, -1, 1, 3),
    }),
  );

export const worlds: fc.Arbitrary<World> = fc.record({
  zone: fc.constantFrom(...ZONES),
  connected: fc.oneof(
    fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 11, 31) }),
    fc.constantFrom(...CHANGES).chain((change) => near(change, 2 * DAY)),
  ),
  sensor: fc.oneof(
    fc.record({ tag: fc.constant("free" as const), offset: offsets }),
    fc.record({ tag: fc.constant("kept" as const), offset: fc.oneof(fc.constant(0), near(0, 10 * MINUTE)) }),
    fc.record({
      tag: fc.constant("restarted" as const),
      year: fc.constantFrom(2000, 2010, 2015, 2019, 2020),
      ago: fc.integer({ min: 0, max: 300 * DAY }),
      offset: near(0, 10 * MINUTE),
    }),
  ),
  drift: near(0, 49).map((ppm) => ppm * 1e-6),
  isCoarse: fc.boolean(),
  channel: fc.constantFrom("none", "write", "read", "read-write"),
  trips: fc.array(
    fc.record({ took: fc.integer({ min: 2, max: 4000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    { minLength: 3, maxLength: 3 },
  ),
  hub: hubs,
  earlier: fc.option(
    fc.record({
      ago: fc.integer({ min: 5 * MINUTE, max: 60 * DAY }),
      by: offsets,
      wrong: fc.double({ min: -1, max: 1, noNaN: true }),
    }),
  ),
  age: fc.oneof(near(10 * SECOND, 10 * SECOND), near(DAY, DAY), near(180 * DAY, 180 * DAY)),
  isStored: fc.boolean(),
  after: fc.integer({ min: 0, max: 110 * SECOND }),
  weekday: fc.integer({ min: 0, max: 7 }),
});

const clockOf = ({ sensor, connected, drift }: World, zone: Zone): SensorClock => {
  const drifted = (at: number): number => drift * (at - connected);
  const kept: SensorClock = (at) => at + zone.offsetAt(at) + sensor.offset + drifted(at);
  switch (sensor.tag) {
    case "free":
      return (at) => at + zone.offsetAt(connected) + sensor.offset + drifted(at);
    case "kept":
      return kept;
    case "restarted": {
      const restarted = connected - sensor.ago;
      return (at) => (at < restarted ? kept(at) : Date.UTC(sensor.year, 0, 1) + at - restarted + drifted(at));
    }
  }
};

const wholeSeconds = (ms: number): number => Math.floor(ms / SECOND) * SECOND;

/** What the hub sees of a measurement, and when that was truly made. */
export interface Observed {
  readonly truth: number;
  readonly input: TimeInput;
  readonly connected: number;
  /** The clock was read on the timeline that the record is on, before the hub set it. */
  readonly wasRead: boolean;
  /** The pair is taken for one of the timeline that began when the hub set the clock. */
  readonly isOnNew: boolean;
}

export const observe = (world: World): Observed => {
  const { channel, connected, hub, isCoarse, trips } = world;
  const zone = zones.zone(world.zone);
  const boot = connected - 7 * DAY;
  let clock = clockOf(world, zone);
  const ended: EndedTimeline[] = [];
  if (world.earlier !== null && world.sensor.tag !== "restarted") {
    const { ago, wrong } = world.earlier;
    // Whoever turns a clock would notice that its date is off by a month.
    const by = world.sensor.tag === "kept" ? world.earlier.by % (20 * DAY) : world.earlier.by;
    const end = connected - ago;
    const present = clock;
    clock = (at) => (at < end ? present(at) + by : present(at));
    const shown = rawTextOf(dateTimeOf(wholeSeconds(present(end) + by)));
    ended.push({ device: shown, utcMs: Math.round(end + 100 * wrong), uncertaintyMs: 1000 + 100 });
  }
  let now = connected;

  const isSet = hub.state !== "unset";
  const stepped = (hub.stepped + (hub.errorMs === null ? 3 * hub.wrong : 0)) * 60 * MINUTE;
  /** The hub's clock is right within what it states at the record; before, it may have been off by hours. */
  const stampAt = (at: number, isRecord: boolean): Arrival => ({
    utc: isSet
      ? epochMs(
          Math.round(at + (hub.errorMs ?? 0) * hub.wrong * 0.99 + (isRecord && hub.errorMs !== null ? 0 : stepped)),
        )
      : null,
    bootId: "boot",
    monoMs: millis((at - boot) * (1 + hub.drift)),
    hubClock: isSet ? { state: hub.state, errorMs: hub.errorMs } : { state: "unset", errorMs: null },
  });

  const exchange = (trip: number, act: (at: number) => string): ReturnType<typeof exchangePair> => {
    const { took, share } = trips[trip] ?? { took: 100, share: 0.5 };
    const asked = stampAt(now, false);
    const shown = act(now + took * share);
    now += took;
    return exchangePair(shown, asked, stampAt(now, false));
  };
  const read = (at: number): string => rawTextOf(dateTimeOf(wholeSeconds(clock(at))));

  const measuredAt = (received: number): number => received - world.age;
  const received = connected + 20 * SECOND + world.after;
  const truth = measuredAt(received);
  const before = channel === "read" || channel === "read-write" ? withEnded(exchange(0, read), ended) : null;
  let after: ReturnType<typeof exchangePair> | null = null;
  const toSet = channel === "write" || channel === "read-write" ? timeToSet(before, stampAt(now, false), zone) : null;
  if (toSet !== null) {
    const old = clock;
    const set = exchange(1, (at) => {
      const from = Date.UTC(toSet.year, toSet.month - 1, toSet.day, toSet.hour, toSet.minute, toSet.second ?? 0);
      clock = (when) => (when < at ? old(when) : from + (when - at) * (1 + world.drift));
      return rawTextOf(toSet);
    });
    after = channel === "read-write" ? exchange(2, read) : set;
  }

  const shown = dateTimeOf(wholeSeconds(clock(truth)));
  const device = isCoarse ? { ...shown, second: null } : shown;
  const at = stampAt(received, true);
  const pair = pairFor(device, { before, after }, at.monoMs);
  return {
    truth,
    connected,
    wasRead: before !== null && !(world.sensor.tag === "restarted" && truth < connected - world.sensor.ago),
    isOnNew: pair !== null && pair === after,
    input: {
      device,
      offsetMin: null,
      weekday: world.weekday === 0 ? null : world.weekday,
      durationMs: 0,
      receptionDelayMs: MINUTE,
      at,
      pair,
      zone,
      isStored: world.isStored && world.age > 20 * SECOND,
    },
  };
};
