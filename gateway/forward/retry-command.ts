import { HubError } from "../../protocol/errors.ts";
import { type Seq, seq } from "../../protocol/ids.ts";
import { type Args, type DiagnosticCommand, data, type Line, text } from "../diagnostics/command.ts";
import type { Forwarder } from "./forwarder.ts";

/** Null: all of them. Throws HubError `invalid-argument`. */
const wantedOf = ([word, ...more]: Args): Seq | null => {
  if (word === "all" && more.length === 0) return null;
  if (word !== undefined && more.length === 0 && /^[1-9]\d{0,15}$/.test(word)) return seq(Number(word));
  throw new HubError("invalid-argument", "outbox retry: give a number that outbox account lists, or all");
};

/** `outbox retry`: a broker did not take a reading, and now it may. */
export const retryCommand = ({ retryQuarantined }: Pick<Forwarder, "retryQuarantined">): DiagnosticCommand => ({
  name: "outbox retry",
  usage: "<number|all>",
  summary: "send readings again that the broker did not take",
  role: "service",
  async *run(args): AsyncIterable<Line> {
    const count = retryQuarantined(wantedOf(args));
    if (count === 0) {
      throw new HubError("invalid-argument", "outbox retry: no such reading is quarantined; outbox account lists them");
    }
    yield text(`${count} ${count === 1 ? "reading is" : "readings are"} sent again`);
    yield data({ retried: count });
  },
});
