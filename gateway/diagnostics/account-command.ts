import { HubError } from "../../protocol/errors.ts";
import { type Args, type DiagnosticCommand, data, type Line, text } from "./command.ts";
import type { AccountView, HubView } from "./hub-view.ts";
import { labelled, table } from "./layout.ts";

/** Days shown unless told otherwise: a week. */
const DAYS = 7;
const LABEL_WIDTH = 11;
/** Of the 64 that a sensor's name may have, so that the numbers fit beside it. */
const LONGEST_NAME = 20;

const shortened = (name: string): string =>
  name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 3)}...`;

/** Refusals shown with their reason; the others are counted. */
const MOST_REFUSALS = 10;

const daysOf = (args: Args): number => {
  const [word, ...more] = args;
  if (word === undefined) return DAYS;
  if (more.length === 0 && /^[1-9]\d{0,3}$/.test(word)) return Number(word);
  throw new HubError("invalid-argument", `outbox account: expected a number of days, found ${JSON.stringify(word)}`);
};

const newestDays = ({ lines }: AccountView["account"], count: number): ReadonlySet<string | null> =>
  new Set([...new Set(lines.map(({ day }) => day))].slice(0, count));

const totals = ({ account, sent, taken }: AccountView): readonly (readonly [string, string])[] => {
  const { numbers, skipped } = account;
  const gap =
    skipped === 0 ? "no number is missing" : `${skipped} skipped after damage, which the region sees as a gap`;
  const away = `${taken.turnedAway} turned away`;
  return [
    ["numbers", numbers === null ? "none given yet" : `${numbers.from} to ${numbers.to}; ${gap}`],
    ["sent", `${sent} sent and waiting for the region's receipt`],
    ["taken", `since start ${taken.stored} stored, ${taken.known} known already, ${taken.invalid} invalid, ${away}`],
  ];
};

/** `outbox account`: what became of every reading, by sensor and day. */
export const accountCommand = (hub: HubView): DiagnosticCommand => ({
  name: "outbox account",
  usage: "[days]",
  summary: "what became of every reading, by sensor and day",
  role: "view",
  async *run(args): AsyncIterable<Line> {
    const days = daysOf(args);
    const view = await hub.account();
    const shown = newestDays(view.account, days);
    const lines = view.account.lines.filter(({ day }) => shown.has(day));
    const header = ["DAY (UTC)", "SENSOR", "STORED", "RECEIPTED", "WAITING", "REFUSED", "DAMAGED"];
    const rows = lines.map((one) => [
      one.day ?? "no clock",
      shortened(one.sensor ?? "-"),
      ...[one.stored, one.receipted, one.waiting, one.refused, one.unreadable].map(String),
    ]);
    for (const row of table([header, ...rows])) yield text(row);
    for (const [label, value] of totals(view)) for (const line of labelled(label, value, LABEL_WIDTH)) yield text(line);
    for (const { seq, reason } of view.refused.slice(0, MOST_REFUSALS)) {
      for (const line of labelled("refused", `number ${seq}: ${reason}`, LABEL_WIDTH)) yield text(line);
    }
    const more = view.refused.length - MOST_REFUSALS;
    if (more > 0) yield text(`and ${more} more that the region refused`);
    for (const { seq, reason } of view.quarantined.slice(0, MOST_REFUSALS)) {
      for (const line of labelled("not taken", `number ${seq}: ${reason}`, LABEL_WIDTH)) yield text(line);
    }
    const others = view.quarantined.length - MOST_REFUSALS;
    if (others > 0) yield text(`and ${others} more that the broker does not take`);
    yield data({
      lines: lines.map((line) => ({ ...line })),
      numbers: view.account.numbers,
      skipped: view.account.skipped,
      sent: view.sent,
      taken: { ...view.taken },
      refused: view.refused.map((one) => ({ ...one })),
      quarantined: view.quarantined.map((one) => ({ ...one })),
    });
  },
});
