import { median } from "../../figure.ts";
import { type FaultResult, recoveryOf } from "../result.ts";
import { grouped, html, type Markup, plotOf, tableOf } from "./markup.ts";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [960, 240, 40, 24, 24, 44];
/** Bars are a quarter of an octave wide, from a quarter of the median to sixteen times. */
const [PER_OCTAVE, FROM, TO] = [4, -2, 4];
const BARS = (TO - FROM) * PER_OCTAVE;

/** How many recoveries took about how many times the median; what lies outside is in the outermost bars. */
export const histogramOf = (recoveriesMs: readonly number[]): readonly number[] => {
  const middle = median(recoveriesMs);
  const counts = Array.from({ length: BARS }, () => 0);
  for (const one of recoveriesMs) {
    const bar = Math.floor((Math.log2(one / middle) - FROM) * PER_OCTAVE);
    const at = Math.min(BARS - 1, Math.max(0, bar));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
};

const times = (octave: number): string => (octave < 0 ? `1/${2 ** -octave}` : String(2 ** octave));

const milliseconds = (value: number | null): string => (value === null ? "-" : `${value.toFixed(1)} ms`);

/** How long the outbox takes to start on what a cut left; null where there was no cut. */
export const recoveryPlot = (faults: readonly FaultResult[], machine: string): Markup | null => {
  const measured = faults.filter(({ outcome }) => outcome.recoveriesMs.length > 0);
  const all = measured.flatMap(({ outcome }) => outcome.recoveriesMs);
  if (all.length === 0) return null;
  const counts = histogramOf(all);
  const most = Math.max(...counts);
  const width = (WIDTH - LEFT - RIGHT) / BARS;
  const base = HEIGHT - BOTTOM;
  const xOf = (octave: number): number => Math.round((LEFT + (octave - FROM) * PER_OCTAVE * width) * 10) / 10;
  const bars = counts.map((count, i) => {
    const height = Math.round(((base - TOP) * count * 10) / most) / 10;
    return count === 0
      ? null
      : html`<rect x="${Math.round((LEFT + i * width + 1) * 10) / 10}" y="${base - height}" width="${Math.round((width - 2) * 10) / 10}" height="${height}" rx="1.5" class="all"/>`;
  });
  const ticks = Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i).map(
    (octave) =>
      html`<line x1="${xOf(octave)}" x2="${xOf(octave)}" y1="${base}" y2="${base + 5}" class="axis"/><text x="${xOf(octave)}" y="${base + 20}" text-anchor="middle"${octave === 0 ? html` class="strong"` : ""}>${octave === 0 ? "median" : `${times(octave)} x`}</text>`,
  );
  const slow = all.filter((one) => one > 2 * median(all)).length;
  return html`${plotOf({
    id: "recovery",
    title: "How long the outbox takes to start after a power cut",
    description: `${grouped(all.length)} starts, relative to their median; ${grouped(slow)} took more than twice as long as the median.`,
    width: WIDTH,
    height: HEIGHT,
    body: html`${bars}<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${base}" y2="${base}" class="axis"/>${ticks}`,
    caption: "Starts after a cut, relative to the median of this run: a busy machine slows all of them alike.",
  })}${tableOf({
    caption: `From opening the files to taking readings, on ${machine}, with the files in memory`,
    columns: ["fault", "starts", "shortest", "median", "95 of 100 below", "longest"],
    rows: measured.map(({ suite, outcome }) => {
      const { shortest, median: middle, p95, longest } = recoveryOf(outcome.recoveriesMs);
      return [
        `${suite.fault} ${suite.name}`,
        outcome.recoveriesMs.length,
        ...[shortest, middle, p95, longest].map((one) => ({ figure: milliseconds(one) })),
      ] as const;
    }),
  })}`;
};
