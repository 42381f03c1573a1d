/** Width of a technician's terminal at 115200 baud: 80x24. */
export const WIDTH = 80;

/** Break a text at spaces into lines of at most `width`; a longer word is broken inside. */
export const wrap = (text: string, width: number): readonly string[] => {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(/\s+/).filter((one) => one !== "")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
};

/** `label` in a column of `labelWidth`, then the text, continued below itself. A longer label has a line of its own. */
export const labelled = (label: string, text: string, labelWidth: number): readonly string[] => {
  const indent = " ".repeat(labelWidth);
  const wrapped = wrap(text, WIDTH - labelWidth).map((line) => (indent + line).trimEnd());
  if (label.length >= labelWidth && label !== "") return [...wrap(label, WIDTH), ...wrapped];
  return wrapped.map((line, i) => (i === 0 ? label.padEnd(labelWidth) + line.slice(labelWidth) : line));
};

/** Rows in aligned columns, cut at 80; the last column takes what is left. */
export const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .slice(0, WIDTH)
      .trimEnd(),
  );
};

/** `12 s`, `5 min`, `3 h 20 min`, `4 days`. */
export const spanText = (seconds: number): string => {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 2 * 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} days`;
};
