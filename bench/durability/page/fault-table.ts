import { type FaultResult, verdictOf } from "../result.ts";
import type { FaultSuite } from "../suite.ts";
import { grouped, html, type Markup, tableOf } from "./markup.ts";

const INJECTED: Readonly<Record<FaultResult["suite"]["injects"], string>> = {
  cut: "cuts",
  kill: "kills",
  trouble: "troubles",
};

/** One row for each fault. */
export const faultTable = (faults: readonly FaultResult[]): Markup =>
  tableOf({
    caption:
      "Readings are those that the hub had acknowledged when a fault came, summed over the faults. “Sent again” came to the " +
      "region more than once, as it must where an acknowledgement is lost, and had no effect; “-” is not counted.",
    columns: ["fault", "injected", "readings", "lost", "altered", "doubled", "sent again", "result"],
    rows: faults.map((one) => {
      const { suite, atLeast, outcome } = one;
      const verdict = verdictOf(one);
      return [
        html`<strong>${suite.fault}</strong> ${suite.name}<small>${suite.about} At least ${grouped(atLeast)} ${INJECTED[suite.injects]}.</small>`,
        { figure: `${grouped(outcome.injected)} ${INJECTED[suite.injects]}` },
        outcome.taken,
        outcome.lost,
        outcome.altered,
        outcome.doubled,
        outcome.sentAgain ?? { figure: "-" },
        html`<span class="result ${verdict}">${verdict}</span>`,
      ] as const;
    }),
  });

const plural = (count: number, one: string, many: string): string => `${grouped(count)} ${count === 1 ? one : many}`;

/** What a quick run leaves out, by name; null where nothing was. */
export const leftOutNote = (leftOut: readonly Pick<FaultSuite, "fault" | "name">[]): Markup | null =>
  leftOut.length === 0
    ? null
    : html`<p>Left out of a quick run: ${leftOut.map(({ fault, name }) => `${fault} ${name}`).join("; ")}.</p>`;

/** What has to be said besides; nothing in a good run. */
export const faultNotes = (faults: readonly FaultResult[]): Markup => {
  const wrong = faults.flatMap(({ suite, atLeast, outcome }) => [
    ...(outcome.injected < atLeast
      ? [`${suite.fault}: ${outcome.injected} of at least ${atLeast} ${INJECTED[suite.injects]} were tried`]
      : []),
    ...outcome.wrong.map((sentence) => `${suite.fault}: ${sentence}`),
  ]);
  const alarms = faults.reduce((sum, { outcome }) => sum + (outcome.falseAlarms ?? 0), 0);
  return html`${
    wrong.length === 0
      ? null
      : html`<div class="note bad" role="note"><p><strong>What went wrong</strong> (the first of each fault):</p><ul>${wrong.map((sentence) => html`<li>${sentence}</li>`)}</ul></div>`
  }${
    alarms === 0
      ? null
      : html`<div class="note" role="note"><p><strong>${plural(alarms, "false alarm", "false alarms")}.</strong> After ${plural(alarms, "cut", "cuts")} the hub took a sound disk for damaged. No reading was lost by it; somebody was told to look at a card that is well.</p></div>`
  }`;
};
