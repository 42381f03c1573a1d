import { HubError } from "../../protocol/errors.ts";
import { type Args, type DiagnosticCommand, data, type Line, text } from "./command.ts";
import type { HubView } from "./hub-view.ts";
import { labelled, wrap } from "./layout.ts";

const COUNT = 10;
const INDENT = 2;
/** Columns of an 80-column line beside the indent. */
const HEX_WIDTH = 78;

const countOf = (args: Args): number => {
  const [word, ...more] = args;
  if (word === undefined) return COUNT;
  if (more.length === 0 && /^[1-9]\d{0,3}$/.test(word)) return Number(word);
  throw new HubError("invalid-argument", `outbox captures: expected how many, found ${JSON.stringify(word)}`);
};

/** `outbox captures`: bytes that no driver understood, or that were not attributed. They may hold measurements. */
export const capturesCommand = (hub: HubView): DiagnosticCommand => ({
  name: "outbox captures",
  usage: "[count]",
  summary: "bytes that were kept because nobody understood them",
  role: "service",
  async *run(args): AsyncIterable<Line> {
    const captures = await hub.captures(countOf(args));
    if (captures.length === 0) yield text("none kept");
    for (const { sensor, channel, reason, rawHex, receivedUtc } of captures) {
      const when = receivedUtc?.slice(0, 19) ?? "no clock";
      for (const line of labelled("", `${when} ${sensor === "" ? "-" : sensor} ${channel}: ${reason}`, 0))
        yield text(line);
      for (const line of wrap(rawHex, HEX_WIDTH)) yield text(" ".repeat(INDENT) + line);
    }
    yield data(captures.map((capture) => ({ ...capture })));
  },
});
