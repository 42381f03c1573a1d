import { isoUtc } from "../../protocol/time.ts";
import type { CertificateView } from "../credentials/credential-source.ts";
import { type DiagnosticCommand, data, type Json, type Line, text } from "./command.ts";
import type { HubView, LinkView, OutboxView } from "./hub-view.ts";
import { labelled, spanText } from "./layout.ts";

const LABEL_WIDTH = 13;

const LINK_WORDS: Readonly<Record<LinkView["state"], string>> = {
  up: "online",
  connecting: "connecting",
  "backing-off": "offline",
  stopped: "stopped",
};

/** `online since 12 min (mqtt5)`, or why not and when the hub tries again. */
export const linkText = (link: LinkView): string => {
  const protocol = link.protocol === null ? "" : ` (${link.protocol})`;
  const next = link.nextAttemptS === null ? "" : `, next attempt in ${spanText(link.nextAttemptS)}`;
  const receipts = link.receipts ? "" : "; readings are settled without receipts";
  const trouble = link.trouble === null ? "" : `: ${link.trouble}`;
  return `${LINK_WORDS[link.state]} since ${spanText(link.forS)}${protocol}${next}${receipts}${trouble}`;
};

export const outboxText = ({ depth, held, trouble }: OutboxView): string => {
  const numbers = depth.newest === null ? "no number given yet" : `newest number ${depth.newest}`;
  const inMemory = held > 0 ? `, ${held} held in memory` : "";
  return `${depth.waiting} waiting, ${depth.refused} refused${inMemory}, ${numbers}${trouble === null ? "" : `: ${trouble}`}`;
};

export const outboxData = ({ depth, ...rest }: OutboxView): { readonly [key: string]: Json } => ({ ...depth, ...rest });

export const certificateText = ({ notAfter, trouble, renewal }: CertificateView, nowMs: number | null): string => {
  const more = renewal === undefined ? "" : `; ${renewal}`;
  if (trouble !== null) return `${trouble}${more}`;
  if (notAfter === null) return `not known${more}`;
  const left = nowMs === null ? "" : ` (in ${spanText((notAfter - nowMs) / 1000)})`;
  return `ends ${isoUtc(notAfter).slice(0, 10)}${left}${more}`;
};

export const certificateData = (certificate: CertificateView): Json => ({
  notAfter: certificate.notAfter === null ? null : isoUtc(certificate.notAfter),
  trouble: certificate.trouble,
  renewal: certificate.renewal ?? null,
});

/** `status`: the whole hub on one screen. */
export const statusCommand = (hub: HubView): DiagnosticCommand => ({
  name: "status",
  summary: "the whole hub on one screen",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const [outbox, certificate] = [await hub.outbox(), await hub.certificate()];
    const [stamp, health, link, radio, sensors] = [hub.stamp(), hub.health(), hub.link(), hub.radio(), hub.sensors()];
    const { state, errorMs } = stamp.hubClock;
    const { last, stateFor } = hub.clock();
    const source = last?.sync.source ?? null;
    const at = stamp.utc === null ? null : isoUtc(stamp.utc);
    const ready = sensors.filter((one) => one.trouble === null).length;
    const bondLost = sensors.filter((one) => one.state === "bond-lost").map(({ id }) => id);
    const files = health.openFiles === null ? "" : `, ${health.openFiles} open files`;
    const clock =
      at === null
        ? "not set"
        : `${at.slice(0, 19)}Z, ${state}${source === null ? "" : ` by ${source}`}${errorMs === null ? "" : `, within ${errorMs} ms`}`;
    const fields: readonly (readonly [string, string])[] = [
      ["hub", `${hub.hubId}, version ${hub.version}, up ${spanText(health.uptimeS)}`],
      ["link", linkText(link)],
      ["outbox", outboxText(outbox)],
      [
        "radio",
        radio === null ? "not configured" : `${radio.state}${radio.trouble === null ? "" : `: ${radio.trouble}`}`,
      ],
      [
        "sensors",
        `${ready} of ${sensors.length} ready${bondLost.length === 0 ? "" : `, bond lost: ${bondLost.join(", ")}`}`,
      ],
      ["clock", clock],
      ["certificate", certificateText(certificate, stamp.utc)],
      ["process", `${health.rssMb} MB, event loop delayed at most ${health.loopLagMs} ms${files}`],
    ];
    for (const [label, value] of fields) for (const line of labelled(label, value, LABEL_WIDTH)) yield text(line);
    yield data({
      hub: { id: hub.hubId, version: hub.version, at, bootId: stamp.bootId },
      link: { ...link },
      outbox: outboxData(outbox),
      radio: radio === null ? null : { ...radio },
      sensors: { configured: sensors.length, ready, bondLost },
      clock: { state, errorMs, source, stratum: last?.sync.stratum ?? null, stateForS: Math.round(stateFor / 1000) },
      certificate: certificateData(certificate),
      health: { ...health },
    });
  },
});
