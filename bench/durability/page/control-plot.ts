import { type FaultResult, sees } from "../result.ts";
import { grouped, html, type Markup, plotOf, tableOf } from "./markup.ts";
import { timelinePlot } from "./timeline.ts";

const [WIDTH, LEFT, RIGHT, ROW, BAR] = [960, 190, 150, 44, 22];

interface Bar {
  readonly name: string;
  readonly cuts: number;
  readonly taken: number;
  readonly lost: number;
}

const percent = ({ lost, taken }: Bar): string =>
  `${taken === 0 ? "0" : ((100 * lost) / taken).toFixed(lost === 0 ? 0 : 1)} %`;

/** The careless store and the hub under the same instrument. */
export const controlPlot = (control: FaultResult, faults: readonly FaultResult[]): Markup => {
  const cuts = faults.filter(({ suite }) => suite.injects === "cut");
  const sum = (pick: (outcome: FaultResult["outcome"]) => number): number =>
    cuts.reduce((total, { outcome }) => total + pick(outcome), 0);
  const { outcome } = control;
  const bars: readonly Bar[] = [
    { name: "careless store", cuts: outcome.injected, taken: outcome.taken, lost: outcome.lost },
    {
      name: "Hemhub",
      cuts: sum(({ injected }) => injected),
      taken: sum(({ taken }) => taken),
      lost: sum(({ lost }) => lost),
    },
  ];
  const most = Math.max(...bars.map(({ lost, taken }) => (taken === 0 ? 0 : lost / taken)), 0.01);
  const body = bars.map((bar, i) => {
    const y = 18 + i * ROW;
    const share = bar.taken === 0 ? 0 : bar.lost / bar.taken;
    const width = Math.round(((WIDTH - LEFT - RIGHT) * share * 10) / most) / 10;
    return html`<text x="${LEFT - 12}" y="${y + 15}" text-anchor="end" class="strong">${bar.name}</text><line x1="${LEFT}" x2="${LEFT}" y1="${y - 6}" y2="${y + BAR + 6}" class="axis"/><rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="2" class="bad"/><text x="${LEFT + width + 10}" y="${y + 15}" class="strong">${percent(bar)} lost</text>`;
  });
  const told = bars.map((bar) => `${bar.name}: ${grouped(bar.lost)} of ${grouped(bar.taken)} lost`).join("; ");
  return html`${
    sees(control)
      ? null
      : html`<div class="note bad" role="note"><p><strong>The careless store lost nothing in this run,</strong> so the run shows nothing: its instrument may be blind.</p></div>`
  }${plotOf({
    id: "control",
    title: "Share of acknowledged readings that a power cut took",
    description: `${told}.`,
    width: WIDTH,
    height: 18 + bars.length * ROW,
    body: html`${body}`,
    caption:
      "Acknowledged readings that were gone after a power cut, as a share of all that had been acknowledged before it.",
  })}${tableOf({
    caption: "The careless store and the hub: the same in numbers",
    columns: ["store", "power cuts", "acknowledged", "lost", "share"],
    rows: bars.map((bar) => [bar.name, bar.cuts, bar.taken, bar.lost, { figure: percent(bar) }] as const),
  })}${timelinePlot({
    id: "careless",
    title: "Operations of the careless store",
    caption: "Its triangles stand between writes, with no fsync before them: what they promise is not on the disk.",
    moments: outcome.timeline,
  })}`;
};
