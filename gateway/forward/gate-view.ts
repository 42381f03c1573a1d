import type { Seq } from "../../protocol/ids.ts";
import type { ReadingText } from "../../protocol/ports/outbox.ts";
import type { Reading } from "../../protocol/reading.ts";
import type { TimeGate } from "./time-gate.ts";

export type GateView = Pick<TimeGate, "view" | "leavesTimed">;

/**
 * How a reading without a time of reception looks as text (`ReadingText`: no white space). The same octets elsewhere in it
 * would only mean that it is taken apart for nothing.
 */
const UNTIMED = Buffer.from('"utc":null');

const isUntimed = ({ json }: ReadingText): boolean =>
  Buffer.from(json.buffer, json.byteOffset, json.byteLength).includes(UNTIMED);

const parse = ({ json }: ReadingText): Reading => JSON.parse(Buffer.from(json).toString("utf8")) as Reading;

/** Texts as the gate wants them sent. Those that it leaves alone are not even parsed. */
export const viewTexts = (texts: readonly ReadingText[], gate: GateView): readonly ReadingText[] => {
  const shown = gate.leavesTimed === true ? texts.filter(isUntimed) : texts;
  if (shown.length === 0) return texts;
  const readings = shown.map(parse);
  const changed = new Map<Seq, Uint8Array>();
  for (const [at, reading] of gate.view(readings).entries()) {
    if (reading !== readings[at]) changed.set(reading.seq, Buffer.from(JSON.stringify(reading)));
  }
  return texts.map((text) => {
    const json = changed.get(text.seq);
    return json === undefined ? text : { ...text, json };
  });
};
