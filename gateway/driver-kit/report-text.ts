import type { Block } from "./report.ts";

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
h2{margin-top:3rem;border-top:1px solid #d0d7de;padding-top:1rem}h3{font-family:ui-monospace,monospace;font-size:1rem;margin-top:2rem}
table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #d0d7de;padding:.25rem .6rem;text-align:left;vertical-align:top}
th{background:#f6f8fa}.ok{color:#116329;font-weight:600}.bad{color:#a40e26;font-weight:600}li{font-family:ui-monospace,monospace;font-size:.85rem}`;

const row = (cells: readonly string[], cell: "td" | "th"): string =>
  `<tr>${cells.map((text) => `<${cell}>${escapeHtml(text)}</${cell}>`).join("")}</tr>`;

const htmlOf = (block: Block): string => {
  switch (block.tag) {
    case "heading":
      return `<h${block.level}>${escapeHtml(block.text)}</h${block.level}>`;
    case "paragraph":
      return `<p>${escapeHtml(block.text)}</p>`;
    case "verdict":
      return `<p class="${block.ok ? "ok" : "bad"}">${escapeHtml(block.text)}</p>`;
    case "list":
      return `<ul>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join("")}</ul>`;
    case "table":
      return `<table>${row(block.columns, "th")}${block.rows.map((cells) => row(cells, "td")).join("")}</table>`;
  }
};

const titleOf = (blocks: readonly Block[]): string => {
  const [first] = blocks;
  return first?.tag === "heading" ? first.text : "";
};

/** One HTML file that needs no other. */
export const reportHtml = (blocks: readonly Block[]): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(titleOf(blocks))}</title>
<style>${STYLE}</style></head>
<body>
${blocks.map(htmlOf).join("\n")}
</body>
</html>
`;

const escapeMarkdown = (text: string): string => text.replaceAll(/[\\`*_[\]<>|]/g, (letter) => `\\${letter}`);

const cells = (texts: readonly string[]): string => `| ${texts.map(escapeMarkdown).join(" | ")} |`;

const markdownOf = (block: Block): string => {
  switch (block.tag) {
    case "heading":
      return `${"#".repeat(block.level)} ${escapeMarkdown(block.text)}`;
    case "paragraph":
      return escapeMarkdown(block.text);
    case "verdict":
      return `**${escapeMarkdown(block.text)}**`;
    case "list":
      return block.items.map((item) => `- ${escapeMarkdown(item)}`).join("\n");
    case "table":
      return [cells(block.columns), cells(block.columns.map(() => "---")), ...block.rows.map(cells)].join("\n");
  }
};

export const reportMarkdown = (blocks: readonly Block[]): string => `${blocks.map(markdownOf).join("\n\n")}\n`;
