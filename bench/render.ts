import type { Figure } from "./figure.ts";

/** Three significant digits: the rest is noise. */
const numberText = (value: number): string => {
  if (!Number.isFinite(value)) return "-";
  return Math.abs(value) >= 1000 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
};

const COLUMNS = ["what", "ours", "peer", "unit", "ratio", "goal", "met"] as const;

const metText = (met: boolean | null): string => (met === null ? "" : met ? "met" : "NOT MET");

const cellsOf = ({ what, ours, peer, peerName, unit, ratio, goal, met }: Figure): readonly string[] => [
  what,
  numberText(ours),
  peer === null ? peerName : `${numberText(peer)} ${peerName}`,
  unit,
  ratio === null ? "" : numberText(ratio),
  goal,
  metText(met),
];

/** The figures of one bench as a table, with what is to be said of a figure below it. */
export const renderFigures = (figures: readonly Figure[], failure: string | null): string => {
  if (failure !== null) return `  ${failure}\n\n`;
  const rows = [COLUMNS as readonly string[], ...figures.map(cellsOf)];
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const notes = figures.flatMap(({ what, note }) => (note === undefined ? [] : [`${what}: ${note}`]));
  return `${[...lines, ...notes].map((line) => `  ${line}\n`).join("")}\n`;
};
