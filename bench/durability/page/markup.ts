/** Text that is HTML already. */
export interface Markup {
  readonly html: string;
}

type Part = Markup | string | number | null | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);

const partOf = (part: Part): string => {
  if (part === null) return "";
  if (typeof part === "string" || typeof part === "number") return escaped(String(part));
  return "html" in part ? part.html : part.map(partOf).join("");
};

/** HTML or SVG in which every value is escaped, but for what is markup itself. */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Markup => ({
  html: texts.map((text, i) => text + (i < parts.length ? partOf(parts[i] ?? null) : "")).join(""),
});

/** A number with its unit, as text. */
export interface Figure {
  readonly figure: string;
}

export type Cell = Markup | Figure | string | number;

export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  /** The first cell names the row; numbers and figures stand right. */
  readonly rows: readonly (readonly [Markup | string, ...Cell[]])[];
}

/** Groups of three digits with a narrow space between (ISO 80000-1, 7.3.1). */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");

const isNumeric = (cell: Cell | undefined): boolean =>
  typeof cell === "number" || (typeof cell === "object" && "figure" in cell);

const cellOf = (cell: Cell): Markup => {
  if (typeof cell === "number") return html`<td class="number">${grouped(cell)}</td>`;
  if (typeof cell === "object" && "figure" in cell) return html`<td class="number">${cell.figure}</td>`;
  return html`<td>${cell}</td>`;
};

const headOf = (column: string, numeric: boolean): Markup =>
  html`<th scope="col"${numeric ? NUMBER : null}>${column}</th>`;

const NUMBER: Markup = { html: ' class="number"' };

export const tableOf = ({ caption, columns, rows }: Table): Markup => html`
<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption><span>${caption}</span></caption>
<thead><tr>${columns.map((column, i) =>
  headOf(
    column,
    rows.some((row) => isNumeric(row[i])),
  ),
)}</tr></thead>
<tbody>
${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map(cellOf)}</tr>\n`)}</tbody>
</table></div>`;

export interface Plot {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** What a person sees who sees it, in words. */
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly body: Markup;
  readonly caption: string;
}

/** An inline picture that is told as well; narrower screens scroll it. */
export const plotOf = ({ id, title, description, width, height, body, caption }: Plot): Markup => html`
<figure>
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title><desc id="${id}-text">${description}</desc>
${body}
</svg></div>
<figcaption>${caption}</figcaption>
</figure>`;
