import { isoUtc } from "../../protocol/time.ts";
import type { ClockStatus } from "../clock/hub-time.ts";
import type { SourceAnswer, Synchronisation } from "../clock/synchronisation.ts";
import { type DiagnosticCommand, data, type Json, type Line, text } from "./command.ts";
import type { HubView } from "./hub-view.ts";
import { labelled, spanText } from "./layout.ts";

const LABEL_WIDTH = 13;

const STATE_WORDS: Readonly<Record<ClockStatus["state"], string>> = {
  ntp: "synchronised",
  holdover: "runs by itself",
  rtc: "from the clock chip",
  unset: "not set",
};

const errorText = (errorMs: number | null): string =>
  errorMs === null ? "error not known" : `at most ${errorMs} ms off`;

const serverText = ({ reference, stratum }: Synchronisation): string =>
  `${reference ?? "server not told"}${stratum === null ? "" : `, stratum ${stratum}`}`;

const keeperText = (last: ClockStatus["last"]): string =>
  last === null
    ? "nothing since the machine started"
    : `${last.sync.source} (${serverText(last.sync)}), asked ${spanText(last.since / 1000)} ago`;

const answerText = (answer: SourceAnswer): string => {
  switch (answer.tag) {
    case "absent":
      return "not asked, or does not run here";
    case "silent":
      return `no use: ${answer.why}`;
    case "unsynchronised":
      return `not synchronised: ${answer.why}`;
    case "synchronised": {
      const { boundMs, ageMs } = answer.sync;
      return `${serverText(answer.sync)}, compared ${spanText(ageMs / 1000)} ago, at most ${Math.ceil(boundMs)} ms off`;
    }
  }
};

const answerData = (answer: SourceAnswer): Json =>
  answer.tag === "synchronised" ? { tag: answer.tag, ...answer.sync } : { ...answer };

/** `time`: how the hub's clock is kept, by whom, how well, and since when. */
export const timeCommand = (hub: HubView): DiagnosticCommand => ({
  name: "time",
  summary: "the hub's clock: who keeps it, how well, and since when",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const { state, errorMs, stateFor, last, rtc, answers } = hub.clock();
    const { utc } = hub.stamp();
    const at = utc === null ? null : isoUtc(utc);
    const fields: readonly (readonly [string, string])[] = [
      ["time", at === null ? "not set: connect the hub to the network, so that it gets the time" : `${at} (UTC)`],
      ["state", `${STATE_WORDS[state]}, since ${spanText(stateFor / 1000)}, ${errorText(errorMs)}`],
      ["kept by", keeperText(last)],
      ["clock chip", rtc ? "there is one" : "none"],
      ...Object.entries(answers).map(([source, answer]) => [source, answerText(answer)] as const),
    ];
    for (const [label, value] of fields) for (const line of labelled(label, value, LABEL_WIDTH)) yield text(line);
    yield data({
      at,
      state,
      errorMs,
      stateForS: Math.round(stateFor / 1000),
      source: last?.sync.source ?? null,
      reference: last?.sync.reference ?? null,
      stratum: last?.sync.stratum ?? null,
      rtc,
      answers: Object.fromEntries(Object.entries(answers).map(([source, answer]) => [source, answerData(answer)])),
    });
  },
});
