import type { CutsOfKind } from "../suite.ts";
import { MODEL_ORDER, MODELS } from "./loss-models.ts";
import { grouped, html, type Markup, plotOf, tableOf } from "./markup.ts";

const [WIDTH, LEFT, RIGHT, TOP, ROW, BAR] = [960, 190, 80, 46, 30, 18];

/** What the operation is called on the page. */
const KINDS: Readonly<Record<CutsOfKind["kind"], string>> = {
  write: "write",
  sync: "fsync",
  acknowledge: "acknowledgement",
  create: "create a file",
  rename: "rename",
  unlink: "remove",
  truncate: "cut a file short",
  "make-directory": "create a folder",
  "open-directory": "open a folder",
};

interface Row {
  readonly kind: CutsOfKind["kind"];
  /** In MODEL_ORDER. */
  readonly cuts: readonly number[];
  readonly total: number;
}

export const rowsOf = (cuts: readonly CutsOfKind[]): readonly Row[] => {
  const sum = (some: readonly CutsOfKind[]): number => some.reduce((total, one) => total + one.cuts, 0);
  return [...Map.groupBy(cuts, ({ kind }) => kind)]
    .map(([kind, all]) => ({
      kind,
      cuts: MODEL_ORDER.map((loss) => sum(all.filter((one) => one.loss === loss))),
      total: sum(all),
    }))
    .toSorted((a, b) => b.total - a.total);
};

/** Cuts by the last operation before them and by what the disk kept; null where there was none. */
export const cutsPlot = (cuts: readonly CutsOfKind[]): Markup | null => {
  const rows = rowsOf(cuts);
  const most = rows[0]?.total ?? 0;
  if (most === 0) return null;
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const bars = rows.map(({ kind, cuts: counts, total }, i) => {
    const y = TOP + i * ROW;
    let x = LEFT;
    const parts = counts.map((count, at) => {
      const width = Math.round(count * scale * 10) / 10;
      const part = html`<rect x="${x}" y="${y}" width="${width}" height="${BAR}" class="${MODELS[MODEL_ORDER[at] ?? "all-kept"].colour}"/>`;
      x = Math.round((x + width) * 10) / 10;
      return count === 0 ? null : part;
    });
    return html`<text x="${LEFT - 12}" y="${y + 13}" text-anchor="end" class="strong">${KINDS[kind]}</text>${parts}<text x="${x + 8}" y="${y + 13}">${grouped(total)}</text>`;
  });
  const legend = MODEL_ORDER.map(
    (loss, i) =>
      html`<rect x="${LEFT + i * 190}" y="14" width="12" height="12" rx="2" class="${MODELS[loss].colour}"/><text x="${LEFT + i * 190 + 18}" y="24">${MODELS[loss].title.toLowerCase()}</text>`,
  );
  const all = rows.reduce((sum, { total }) => sum + total, 0);
  return html`${plotOf({
    id: "cuts",
    title: "Power cuts by operation and loss model",
    description: `${grouped(all)} cuts; ${rows.map(({ kind, total }) => `${grouped(total)} after ${KINDS[kind]}`).join(", ")}.`,
    width: WIDTH,
    height: TOP + rows.length * ROW + 8,
    body: html`${legend}${bars}`,
    caption:
      "Each cut is another disk: where two of them would have left the same files and the same promises, one counts. " +
      "Right after fsync the three loss models often agree, so there are fewer distinct ones.",
  })}${tableOf({
    caption: "Distinct power cuts, by the last operation that was done and by what the disk kept of the rest",
    columns: ["last operation", ...MODEL_ORDER.map((loss) => MODELS[loss].title.toLowerCase()), "all"],
    rows: rows.map(({ kind, cuts: counts, total }) => [KINDS[kind], ...counts, total] as const),
  })}`;
};
