import type { HubView, LinkView, SensorView } from "../../../gateway/diagnostics/hub-view.ts";
import { catalogueId, hubId, sensorId, seq } from "../../../protocol/ids.ts";
import { epochMs, millis } from "../../../protocol/time.ts";

const NOW = epochMs(Date.UTC(2026, 5, 15, 12));

export const sampleSensor = (changes: Partial<SensorView> = {}): SensorView => ({
  id: sensorId("cuff"),
  model: catalogueId("and-ua-651ble"),
  transport: "ble",
  state: "waiting",
  seenS: 30,
  storedS: 30,
  trouble: null,
  ...changes,
});

export const sampleLink = (changes: Partial<LinkView> = {}): LinkView => ({
  url: "mqtts://broker.example:8883",
  state: "up",
  forS: 600,
  protocol: "mqtt5",
  nextAttemptS: null,
  trouble: null,
  lastError: null,
  inFlight: 0,
  unsettled: 0,
  waiting: 3,
  refused: 0,
  quarantined: 0,
  oldestUnsettled: null,
  lastReceiptAt: null,
  receipts: true,
  waitingEvents: 0,
  droppedEvents: 0,
  ...changes,
});

/** A hub that is well, or what `changes` makes of it. */
export const sampleHub = (changes: Partial<HubView> = {}): HubView => ({
  hubId: hubId("hub-0042"),
  version: "0.1.0",
  stamp: () => ({ utc: NOW, bootId: "boot-1", monoMs: millis(1000), hubClock: { state: "ntp", errorMs: 100 } }),
  clock: () => ({
    state: "ntp",
    errorMs: 100,
    stateFor: millis(3_600_000),
    last: {
      sync: {
        source: "chrony",
        reference: "192.0.2.7",
        stratum: 2,
        boundMs: 99.2,
        drift: 1e-5,
        ageMs: millis(64_000),
        comparison: 0,
      },
      since: millis(12_000),
    },
    rtc: true,
    answers: { chrony: { tag: "unsynchronised", why: "no server chosen" }, timesyncd: { tag: "absent" } },
  }),
  health: () => ({ uptimeS: 7500, rssMb: 84.1, loopLagMs: 1.2, openFiles: 31 }),
  account: async () => ({
    account: {
      lines: [
        { sensor: "cuff", day: "2026-11-22", stored: 3, receipted: 1, waiting: 1, refused: 1, unreadable: 0 },
        { sensor: "cuff", day: "2026-11-21", stored: 2, receipted: 2, waiting: 0, refused: 0, unreadable: 0 },
        { sensor: null, day: null, stored: 1, receipted: 0, waiting: 0, refused: 0, unreadable: 1 },
      ],
      numbers: { from: 1, to: 6 },
      skipped: 0,
    },
    sent: 1,
    taken: { stored: 3, known: 4, invalid: 0, turnedAway: 2 },
    refused: [{ seq: 5, reason: "no such assignment" }],
    quarantined: [{ seq: 6, reason: "the broker takes packets of 1024 bytes" }],
  }),
  captures: async () => [
    {
      sensor: "cuff",
      channel: "2a35",
      reason: "truncated: 7 octets",
      rawHex: "167c0056006100",
      receivedUtc: "2026-11-22T08:00:00.000Z",
    },
  ],
  outbox: async () => ({
    depth: { waiting: 3, refused: 0, oldest: seq(4709), newest: seq(4711) },
    stored: 12,
    duplicates: 1,
    invalid: 0,
    held: 0,
    trouble: null,
    freeMb: 5200,
  }),
  link: () => sampleLink(),
  certificate: async () => ({ notAfter: epochMs(NOW + 90 * 86_400_000), trouble: null }),
  radio: () => ({ adapter: "hci0", state: "ready", trouble: null }),
  sensors: () => [sampleSensor(), sampleSensor({ id: sensorId("oximeter"), transport: "serial", state: "connected" })],
  strangers: () => [],
  console: () => ({ path: "/dev/ttyGS0", trouble: null }),
  ...changes,
});
