import type { ValidateFunction } from "ajv";
import { LineCounter, parseDocument } from "yaml";
import { fromHex } from "../../protocol/bytes.ts";
import { codeOf } from "../../protocol/codes.ts";
import { messageOf } from "../../protocol/errors.ts";
import { channelId, SERIAL_CHANNEL } from "../../protocol/ids.ts";
import { epochMs, millis } from "../../protocol/time.ts";
import type { ConfigProblem } from "../config/hub-config.ts";
import { schemaProblems } from "../config/schema-problems.ts";
import { createSourceMap, type SourceMap } from "../config/source-map.ts";
import { patternFrom } from "./byte-pattern.ts";
import type { Capture, CaptureAnswer, CaptureEvent, ExpectedReading, ExpectedValue } from "./capture.ts";
import { crossCheckCapture } from "./check-capture.ts";
import type { WrittenCapture, WrittenEvent, WrittenReading, WrittenValue } from "./written-capture.ts";

export type CaptureResult =
  | { readonly tag: "ok"; readonly capture: Capture }
  | { readonly tag: "invalid"; readonly file: string; readonly problems: readonly ConfigProblem[] };

const answerOf = ({ hex, refused }: WrittenEvent): CaptureAnswer =>
  refused === undefined ? { bytes: fromHex(hex ?? "") } : { refused: Number.parseInt(refused, 16) };

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

const eventOf = (written: WrittenEvent, line: number): CaptureEvent => {
  const common = { at: millis(written.at), line };
  const took = millis(written.took ?? 0);
  const refused = written.refused === undefined ? null : Number.parseInt(written.refused, 16);
  const { in: serialIn, text, out, value, read, write, subscribe, hex = "" } = written;
  const received = (channel: string, bytes: Uint8Array): CaptureEvent => ({
    ...common,
    tag: "received",
    channel: channelId(channel),
    bytes,
  });
  if (serialIn !== undefined) return received(SERIAL_CHANNEL, fromHex(serialIn));
  if (text !== undefined) return received(SERIAL_CHANNEL, latin1(text));
  if (value !== undefined) return received(value, fromHex(hex));
  if (read !== undefined) return { ...common, tag: "read", channel: channelId(read), took, answer: answerOf(written) };
  if (subscribe !== undefined) return { ...common, tag: "subscribe", channel: channelId(subscribe), took, refused };
  if (out !== undefined) {
    return { ...common, tag: "write", channel: SERIAL_CHANNEL, took, bytes: patternFrom(out), refused };
  }
  if (write === undefined) return { ...common, tag: written.stop === true ? "stop" : "disconnect" };
  return { ...common, tag: "write", channel: channelId(write), took, bytes: patternFrom(hex), refused };
};

const expectedValueOf = ({ quantity, mdc, ...rest }: WrittenValue): ExpectedValue => ({
  mdc: quantity === undefined ? (mdc ?? 0) : codeOf(quantity).mdc,
  ...rest,
});

const readingOf = ({ values, ...rest }: WrittenReading, line: number): ExpectedReading => ({
  line,
  ...rest,
  ...(values === undefined ? {} : { values: values.map(expectedValueOf) }),
});

const complete = (written: WrittenCapture, file: string, source: SourceMap): Capture => {
  const lineAt = (...path: (string | number)[]): number => source.valueAt(path).line;
  const { expect } = written;
  return {
    file,
    about: written.about,
    source: written.source,
    sensor:
      written.model === undefined
        ? { tag: "driver", driver: written.driver ?? "", quirks: written.quirks ?? [], line: lineAt("driver") }
        : { tag: "model", model: written.model, line: lineAt("model") },
    zone: written.zone,
    hub: { clock: epochMs(Date.parse(written.hub.clock)), state: written.hub.state ?? "ntp" },
    memory: written.memory ?? {},
    integrity: written.integrity ?? "none",
    link: (written.link ?? []).map(({ service = "0000", channel, properties, value }) => ({
      service,
      channel: channelId(channel),
      properties: new Set(properties),
      value: value === undefined ? null : fromHex(value),
    })),
    session: written.session.map((event, index) => eventOf(event, lineAt("session", index))),
    expect: {
      line: lineAt("expect"),
      readings: expect.readings.map((one, index) => readingOf(one, lineAt("expect", "readings", index))),
      unreadable: (expect.unreadable ?? []).map((one, index) => ({
        line: lineAt("expect", "unreadable", index),
        ...one,
      })),
      reports: expect.reports ?? null,
      memory: expect.memory ?? null,
      end: expect.end ?? null,
    },
  };
};

/** Check the text of a capture. Pure. All problems at once, each with its line. */
export const parseCapture = (text: string, file: string, check: ValidateFunction): CaptureResult => {
  const invalid = (problems: readonly ConfigProblem[]): CaptureResult => ({ tag: "invalid", file, problems });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return invalid(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { line, column: col, path: "", message: `not valid YAML: ${messageOf(error)}` };
      }),
    );
  }
  const whole = (message: string): CaptureResult => invalid([{ line: 0, column: 0, path: "", message }]);
  let written: unknown;
  try {
    written = document.toJS();
  } catch (thrown) {
    return whole(`not valid YAML: ${messageOf(thrown)}`);
  }
  if (written === null || written === undefined)
    return whole("the file is empty; a capture begins with schema: capture/1");
  const source = createSourceMap(document, lines);
  const problems = check(written)
    ? crossCheckCapture(written as WrittenCapture, source)
    : schemaProblems(check.errors ?? [], source);
  if (problems.length > 0) return invalid(problems.toSorted((a, b) => a.line - b.line || a.column - b.column));
  return { tag: "ok", capture: complete(written as WrittenCapture, file, source) };
};
