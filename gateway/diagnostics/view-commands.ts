import { type DiagnosticCommand, data, type Line, text } from "./command.ts";
import type { HubView, SensorView, StrangerView } from "./hub-view.ts";
import { labelled, spanText, table } from "./layout.ts";
import { certificateData, certificateText, linkText, outboxData } from "./status-command.ts";

const LABEL_WIDTH = 13;

const ago = (seconds: number | null): string => (seconds === null ? "-" : `${spanText(seconds)} ago`);

const sensorRow = (sensor: SensorView): readonly string[] => [
  sensor.id,
  sensor.model,
  sensor.state,
  ago(sensor.seenS),
  ago(sensor.storedS),
];

function* strangerLines(strangers: readonly StrangerView[]): Iterable<Line> {
  for (const { what, seenS, reason, next } of strangers) {
    for (const line of labelled("", `${what}, heard ${ago(seenS)}: ${reason}; ${next}`, 2)) yield text(line);
  }
}

/** `sensor nearby`: sensors that are not enrolled, why they are not read, and what can be done. */
export const sensorNearbyCommand = (hub: HubView): DiagnosticCommand => ({
  name: "sensor nearby",
  summary: "sensors nearby that are not enrolled, and are not read",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const strangers = hub.strangers();
    if (strangers.length === 0) yield text("none heard since the hub started, within a day");
    yield* strangerLines(strangers);
    yield data(strangers.map((one) => ({ ...one })));
  },
});

/** `sensor list`: the sensors of this home, as configured. */
export const sensorListCommand = (hub: HubView): DiagnosticCommand => ({
  name: "sensor list",
  summary: "the sensors of this home and when they were last heard",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const sensors = hub.sensors();
    if (sensors.length === 0) yield text("no sensors configured");
    else {
      const header = ["SENSOR", "MODEL", "STATE", "HEARD", "STORED"];
      for (const row of table([header, ...sensors.map(sensorRow)])) yield text(row);
    }
    for (const sensor of sensors) {
      if (sensor.trouble === null) continue;
      for (const line of labelled("", `${sensor.id}: ${sensor.trouble}`, 2)) yield text(line);
    }
    const strangers = hub.strangers();
    if (strangers.length > 0) yield text("nearby and not read:");
    yield* strangerLines(strangers);
    yield data(sensors.map((sensor) => ({ ...sensor })));
  },
});

/** `outbox`: what was taken and what the region has not yet accounted for. */
export const outboxCommand = (hub: HubView): DiagnosticCommand => ({
  name: "outbox",
  summary: "readings stored, waiting and refused",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const outbox = await hub.outbox();
    const { depth } = outbox;
    const fields: readonly (readonly [string, string])[] = [
      ["waiting", `${depth.waiting}${depth.oldest === null ? "" : `, oldest number ${depth.oldest}`}`],
      ["refused", `${depth.refused} refused by the region, kept here`],
      ["newest", depth.newest === null ? "no number given yet" : `number ${depth.newest}`],
      ["since start", `${outbox.stored} stored, ${outbox.duplicates} known already, ${outbox.invalid} invalid`],
      ["in memory", `${outbox.held} held because the disk refuses`],
      ["disk", outbox.freeMb === null ? "free space not known" : `${outbox.freeMb} MB free`],
    ];
    for (const [label, value] of fields) yield text(label.padEnd(LABEL_WIDTH) + value);
    if (outbox.trouble !== null) for (const line of labelled("trouble", outbox.trouble, LABEL_WIDTH)) yield text(line);
    yield data(outboxData(outbox));
  },
});

/** `link`: the connection to the region, and the certificate that opens it. */
export const linkCommand = (hub: HubView): DiagnosticCommand => ({
  name: "link",
  summary: "the connection to the region",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const [link, certificate] = [hub.link(), await hub.certificate()];
    const fields: readonly (readonly [string, string])[] = [
      ["region", link.url],
      ["link", linkText(link)],
      ["in flight", `${link.inFlight} sent and not yet answered by the broker`],
      ["last receipt", link.lastReceiptAt ?? "none since the hub started"],
      ["settled by", link.receipts ? "the region's receipts" : "the broker's PUBACK (receipts: false)"],
      ["certificate", certificateText(certificate, hub.stamp().utc)],
    ];
    for (const [label, value] of fields) for (const line of labelled(label, value, LABEL_WIDTH)) yield text(line);
    yield data({ ...link, certificate: certificateData(certificate) });
  },
});
