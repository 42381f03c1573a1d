import { channelId, SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { GattCharacteristic } from "../../protocol/ports/transport.ts";
import type { DraftReading, ReadingValue } from "../../protocol/reading.ts";
import type { HubClockState } from "../../protocol/time.ts";
import { bytesText } from "./byte-pattern.ts";
import type { RecordedEvent } from "./recording.ts";

/** A recorded session, to be written as a capture. */
export interface RecordedSession {
  readonly about: string;
  readonly source: string;
  readonly model: string;
  readonly zone: string;
  /** Hub's clock when the session began. */
  readonly clock: string;
  readonly state: HubClockState;
  readonly characteristics: readonly GattCharacteristic[];
  readonly events: readonly RecordedEvent[];
  readonly readings: readonly DraftReading[];
  readonly unreadable: readonly UnreadableCapture[];
}

const NOTE = "from this hub's own decoding: check every value against the display of the device";

/** Characteristics that tell one device from another: System ID and Serial Number String (DIS 1.1). */
const IDENTITY: ReadonlySet<string> = new Set([channelId("2a23"), channelId("2a25")]);

/** What the hub's own work may move a time: a clock exchange or a window was timed with it, and a replay takes none. */
const SLACK_MS = 100;

const DIGIT_ZERO = 0x30;

/** The session with the identity of the device blanked: same lengths, zeros. Bytes of a serial line are not touched. */
export const redacted = (session: RecordedSession): RecordedSession => ({
  ...session,
  events: session.events.map((event) =>
    event.tag === "read" && IDENTITY.has(event.channel) && event.answer instanceof Uint8Array
      ? { ...event, answer: new Uint8Array(event.answer.length).fill(event.channel === "2a25" ? DIGIT_ZERO : 0) }
      : event,
  ),
});

const quoted = (text: string): string => JSON.stringify(text);

const flow = (fields: readonly (readonly [string, string | number | null])[]): string =>
  `{ ${fields
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ")} }`;

const hexText = (bytes: Uint8Array): string => quoted(bytesText(bytes));

const refusedText = (refused: number | null): string | null =>
  refused === null ? null : quoted(refused.toString(16).padStart(2, "0"));

/** Printable ASCII with CR, LF and TAB: such a line is written as text, and other bytes in hex. */
const isText = (bytes: Uint8Array): boolean =>
  bytes.length > 0 && bytes.every((octet) => (octet >= 0x20 && octet < 0x7f) || [0x09, 0x0a, 0x0d].includes(octet));

const eventLine = (event: RecordedEvent): string => {
  const at = ["at", event.at] as const;
  const took = ["took", event.took === 0 ? null : (event.took ?? null)] as const;
  switch (event.tag) {
    case "received":
      if (event.channel !== SERIAL_CHANNEL) {
        return flow([at, ["value", quoted(event.channel)], ["hex", hexText(event.bytes)]]);
      }
      return flow([
        at,
        isText(event.bytes)
          ? ["text", quoted(Buffer.from(event.bytes).toString("latin1"))]
          : ["in", hexText(event.bytes)],
      ]);
    case "read": {
      const { answer } = event;
      const isBytes = answer instanceof Uint8Array;
      const hex = ["hex", isBytes ? hexText(answer) : null] as const;
      const refused = ["refused", isBytes ? null : refusedText(answer.refused)] as const;
      return flow([at, ["read", quoted(event.channel)], hex, refused, took]);
    }
    case "write":
      if (event.channel === SERIAL_CHANNEL) return flow([at, ["out", hexText(event.bytes)], took]);
      return flow([
        at,
        ["write", quoted(event.channel)],
        ["hex", hexText(event.bytes)],
        ["refused", refusedText(event.refused)],
        took,
      ]);
    case "subscribe":
      return flow([at, ["subscribe", quoted(event.channel)], ["refused", refusedText(event.refused)], took]);
    case "disconnect":
      return flow([at, ["disconnect", "true"]]);
    case "stop":
      return flow([at, ["stop", "true"]]);
  }
};

const valueLine = (one: ReadingValue): string => {
  const code = ["mdc", one.mdc] as const;
  const shown =
    one.value === null
      ? flow([code, ["absent", one.absent]])
      : flow([code, ["value", one.value], ["decimals", one.decimals], ["unit", quoted(one.unit)]]);
  return `        - ${shown} # ${one.name}`;
};

const words = (list: readonly (string | number)[]): string => `[${list.join(", ")}]`;

const readingLines = (reading: DraftReading): readonly string[] => {
  const { time } = reading;
  const context = Object.entries(reading.context).map(([key, value]) => [key, JSON.stringify(value)] as const);
  const start = time.start === null ? "null" : quoted(time.start);
  const within = ["withinMs", time.start === null ? null : SLACK_MS] as const;
  const device = ["device", time.deviceRaw === null ? null : quoted(time.deviceRaw.text)] as const;
  return [
    `    - kind: ${reading.kind}`,
    `      status: ${reading.status}`,
    ...(reading.values.length === 0 ? ["      values: []"] : ["      values:", ...reading.values.map(valueLine)]),
    `      flags: ${words(reading.flags)}`,
    `      quality: ${words(reading.quality)}`,
    ...(context.length === 0 ? [] : [`      context: ${flow(context)}`]),
    `      time: ${flow([["start", start], ["basis", time.basis], within, device])}`,
  ];
};

const listed = (key: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [`${key}: []`] : [`${key}:`, ...lines];

const attributeLine = ({ service, channel, properties }: GattCharacteristic): string =>
  `  - { service: ${quoted(service)}, channel: ${quoted(channel)}, properties: ${words([...properties])} }`;

/** The text of a capture file. The readings in it are what the hub itself made of the session, and say so. */
export const captureText = (session: RecordedSession): string => {
  const { characteristics, readings, unreadable } = session;
  const unreadableLines = unreadable.map(
    ({ channel, reason }) =>
      `    - ${flow([
        ["channel", quoted(channel)],
        ["reason", quoted(reason)],
      ])}`,
  );
  return [
    "schema: capture/1",
    `about: ${quoted(session.about)}`,
    `source: ${quoted(session.source)}`,
    `model: ${session.model}`,
    `zone: ${session.zone}`,
    `hub: { clock: ${quoted(session.clock)}, state: ${session.state} }`,
    ...(characteristics.length === 0 ? [] : ["link:", ...characteristics.map(attributeLine)]),
    ...listed(
      "session",
      session.events.map((event) => `  - ${eventLine(event)}`),
    ),
    "expect:",
    `  note: ${quoted(NOTE)}`,
    ...listed("  readings", readings.flatMap(readingLines)),
    ...listed("  unreadable", unreadableLines),
    "",
  ].join("\n");
};
