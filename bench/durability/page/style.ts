/** Everything that the page looks like: system fonts, two palettes, and a sheet of paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf6; --card: #ffffff; --ink: #18211f; --soft: #56625f; --line: #dcdcd3; --faint: #ecebe3;
  --good: #0a6b5b; --good-soft: #d7ebe5; --bad: #b3261e; --bad-soft: #fbe3e0; --warn: #8a5a00; --warn-soft: #fdf0d2;
  --all: #0a6b5b; --some: #6fae9f; --none: #c9a24a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1514; --card: #161e1c; --ink: #e8eeec; --soft: #9fadaa; --line: #2c3835; --faint: #202a28;
    --good: #5ed0b6; --good-soft: #12352e; --bad: #ff8a80; --bad-soft: #43191a; --warn: #f0c060; --warn-soft: #382b10;
    --all: #5ed0b6; --some: #2f8674; --none: #d0a850;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.5rem 4rem;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: clamp(2.2rem, 6vw, 3.6rem); line-height: 1.05; letter-spacing: -0.02em; margin: 0.4rem 0 0.8rem; }
h2 { font-size: 1.35rem; line-height: 1.25; letter-spacing: -0.005em; margin: 3.2rem 0 0.6rem; padding-top: 1.4rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0.5rem 0 0.9rem; max-width: 44rem; }
.kicker { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; align-items: center; color: var(--soft); font-size: 0.9rem; margin: 0; max-width: none; }
.kicker strong { color: var(--ink); }
.chip { border-radius: 1rem; padding: 0.1rem 0.7rem; font-size: 0.82rem; font-weight: 600; background: var(--warn-soft); color: var(--warn); }
.passed h1 { color: var(--good); }
.failed h1 { color: var(--bad); }
.lead { font-size: 1.15rem; line-height: 1.5; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.4rem, 1fr)); gap: 0.75rem; margin: 1.6rem 0 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; padding: 0.8rem 0.95rem 0.7rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tiles dt { color: var(--soft); font-size: 0.84rem; line-height: 1.3; }
.tiles dd { margin: 0; font-size: 1.85rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; white-space: nowrap; }
.tiles .good { border-color: var(--good); background: var(--good-soft); }
.tiles .good dd { color: var(--good); }
.tiles .bad { border-color: var(--bad); background: var(--bad-soft); }
.tiles .bad dd { color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(15.5rem, 1fr)); gap: 0.75rem; }
.cards section { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; padding: 0.9rem 1rem 0.2rem; }
.cards svg { width: 100%; max-width: 14rem; height: auto; margin-bottom: 0.5rem; }
.cards p { font-size: 0.93rem; }
.note { border-left: 0.25rem solid var(--warn); background: var(--warn-soft); padding: 0.7rem 1rem; border-radius: 0 0.4rem 0.4rem 0; max-width: none; }
.note.bad { border-color: var(--bad); background: var(--bad-soft); }
.note p, .note ul { margin: 0.2rem 0; max-width: none; overflow-wrap: anywhere; }
figure { margin: 1.2rem 0; }
figcaption { color: var(--soft); font-size: 0.88rem; margin-top: 0.4rem; max-width: 46rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--good); outline-offset: 2px; }
figure svg { display: block; width: 100%; min-width: 46rem; height: auto; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--soft); }
svg text.strong { fill: var(--ink); font-weight: 600; }
svg .axis { stroke: var(--line); }
svg .faint { stroke: var(--faint); }
svg .commit { stroke: var(--good); stroke-opacity: 0.22; }
svg .write { stroke: var(--soft); stroke-width: 1.6; stroke-opacity: 0.75; }
svg .sync { stroke: var(--good); stroke-width: 2; }
svg .sync-dot { fill: var(--good); }
svg .name { fill: var(--card); stroke: var(--soft); stroke-width: 1.4; }
svg .promise { fill: var(--ink); }
svg .far { fill: var(--none); }
svg .far-ring { fill: none; stroke: var(--none); stroke-width: 2; }
svg .all { fill: var(--all); } svg .some { fill: var(--some); } svg .none { fill: var(--none); }
svg .bad { fill: var(--bad); }
svg .empty { fill: none; stroke: var(--soft); stroke-dasharray: 2 2; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; margin: 0.8rem 0 0.4rem; }
caption { text-align: left; color: var(--soft); font-size: 0.88rem; padding-bottom: 0.35rem; }
caption span { display: block; position: sticky; left: 0; max-width: min(46rem, calc(100vw - 2rem)); }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 1.1rem 0.45rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: 0.82rem; vertical-align: bottom; }
tbody th { font-weight: 500; min-width: 9rem; } th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td small, th small { display: block; color: var(--soft); font-weight: 400; font-size: 0.84rem; line-height: 1.4; min-width: 15rem; }
.result { font-weight: 650; white-space: nowrap; }
.result.passed { color: var(--good); } .result.failed { color: var(--bad); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.7rem 0.9rem; overflow-x: auto; font-size: 0.9rem; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.92em; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.2rem; font-size: 0.93rem; margin: 0.8rem 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 34rem) {
  body { padding: 1.4rem 1rem 3rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 0.5rem; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --faint: #ddd;
    --good: #00594b; --good-soft: #e6f2ef; --bad: #9c1b14; --bad-soft: #fbe3e0; --warn: #6b4600; --warn-soft: #fdf3dc;
    --all: #00594b; --some: #6fae9f; --none: #b98f2f; }
  html { font-size: 74%; }
  body { max-width: none; padding: 0; }
  .tiles { grid-template-columns: repeat(6, 1fr); } .cards { grid-template-columns: repeat(3, 1fr); }
  h2 { margin-top: 1.6rem; } h2, h2 + p, h3, caption, thead { break-after: avoid; }
  figure, tr, .cards section, .tiles, pre { break-inside: avoid; }
  figure svg { min-width: 0; } .scroll { overflow: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
