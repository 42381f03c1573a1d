import { type FaultResult, hasPassed, type Result, sees, totalsOf, verdictOf } from "../result.ts";
import { controlPlot } from "./control-plot.ts";
import { cutsPlot } from "./cuts-plot.ts";
import { faultNotes, faultTable, leftOutNote } from "./fault-table.ts";
import { lossModels } from "./loss-models.ts";
import { grouped, html, type Markup } from "./markup.ts";
import { recoveryPlot } from "./recovery-plot.ts";
import { STYLE } from "./style.ts";
import { timelinePlot } from "./timeline.ts";

/** The run in one sentence, the worst first. */
export const headlineOf = ({ faults, control }: Pick<Result, "faults" | "control">): string => {
  const { lost, altered, duplicatesInEffect } = totalsOf(faults);
  if (lost > 0) return "Readings were lost.";
  if (altered > 0) return "Readings were altered.";
  if (duplicatesInEffect > 0) return "Readings took effect twice.";
  if (faults.some(({ outcome }) => outcome.wrong.length > 0)) return "A promise was broken.";
  if (!sees(control)) return "This run shows nothing.";
  if (faults.some((one) => verdictOf(one) === "failed")) return "This run is not complete.";
  return "Nothing was lost.";
};

const tile = (value: number, name: string, judged: boolean): Markup =>
  html`<div${judged ? html` class="${value === 0 ? "good" : "bad"}"` : ""}><dt>${name}</dt><dd>${grouped(value)}</dd></div>`;

const lead = (result: Result): string => {
  const { cuts, kills, troubles, taken } = totalsOf(result.faults);
  const tried =
    `The power was cut ${grouped(cuts)} times, the process killed ${grouped(kills)} times, and the link broken or falsified ` +
    `${grouped(troubles)} times. After each of them the readings that had been acknowledged by then were looked for, ` +
    `${grouped(taken)} in all`;
  return hasPassed(result)
    ? `${tried}: every one was there, as it had been taken, and took effect once.`
    : `${tried}. Not everything was as promised; see below.`;
};

const top = (result: Result): Markup => {
  const { mode, circumstances, faults } = result;
  const { cuts, kills, taken, lost, altered, duplicatesInEffect } = totalsOf(faults);
  return html`<header class="${hasPassed(result) ? "passed" : "failed"}">
<p class="kicker"><strong>Hemhub ${circumstances.version}</strong><span>Durability report</span><span>${circumstances.date.slice(0, 10)}</span>${mode === "quick" ? html`<span class="chip">quick run: what fits into a minute</span>` : null}</p>
<h1>${headlineOf(result)}</h1>
<p class="lead">${lead(result)}</p>
<dl class="tiles">${tile(cuts, "power cuts, each another disk", false)}${tile(kills, "kills of the process", false)}${tile(taken, "readings looked for", false)}${tile(lost, "lost", true)}${tile(altered, "altered", true)}${tile(duplicatesInEffect, "took effect twice", true)}</dl>
</header>`;
};

/** The suite whose recording is shown: the one in which most parties speak. */
const shownOf = (faults: readonly FaultResult[]): FaultResult | undefined =>
  faults.findLast(({ outcome }) => outcome.timeline.some(({ said }) => said.includes("receipt"))) ??
  faults.find(({ outcome }) => outcome.timeline.length > 0);

const repeat = ({ mode, seed, seconds, circumstances }: Result): Markup => {
  const { date, version, commit, node, sqlite, kernel, machine } = circumstances;
  const facts: readonly (readonly [string, string])[] = [
    ["Hemhub", version],
    ["commit", commit ?? "not built from a checkout"],
    ["seed", String(seed)],
    ["date", `${date.slice(0, 16).replace("T", " ")} UTC`],
    ["took", `${seconds} s`],
    ["Node", node],
    ["SQLite", sqlite],
    ["kernel", kernel],
    ["machine", machine],
  ];
  return html`<h2 id="repeat">Repeat it</h2>
<p>In a checkout of that commit, on Debian, as root or with a C compiler installed:</p>
<pre><code>npm run report:durability -- ${mode === "quick" ? "--quick " : ""}--seed ${seed}</code></pre>
<p>The seed decides which sectors a cut keeps, what the link does, and when a process is killed, as far as processes let
themselves be decided upon. ${mode === "quick" ? "A quick run goes on until its time is up: a slower machine tries fewer of the same disks." : "A full run tries every operation of its recordings in all three loss models."}</p>
<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
};

const section = (id: string, title: string, text: string, body: Markup | null): Markup | null =>
  body === null ? null : html`<h2 id="${id}">${title}</h2>\n<p>${text}</p>\n${body}\n`;

/** The whole page: one file, no script, nothing loaded. */
export const renderPage = (result: Result): string => {
  const { faults, control, circumstances, leftOut } = result;
  const shown = shownOf(faults);
  const { html: text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hemhub ${circumstances.version}: durability report</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
${top(result)}
<main>
${section(
  "cut",
  "What a power cut is here",
  "A library that is loaded before the real program writes down every operation on its files, in order: create, write, fsync, rename, remove, and what was acknowledged in between. From that the disk is built as it could have been left after any operation, in three ways, and the real program is started on it.",
  lossModels(),
)}
${section(
  "run",
  "One recorded run",
  shown === undefined ? "" : `From ${shown.suite.fault}, ${shown.suite.name}.`,
  shown === undefined
    ? null
    : timelinePlot({
        id: "timeline",
        title: "Operations of one recorded run",
        caption:
          "The power was cut after each of them. A triangle stands right of the green line of its commit: no sensor hears " +
          "“received” before fsync has returned.",
        moments: shown.outcome.timeline,
      }),
)}
${section(
  "where",
  "Where the power was cut",
  "By the last operation before the cut, and by what the disk kept of the rest, for the cuts of F01 and F02 that end at a region.",
  cutsPlot(faults.flatMap(({ outcome }) => outcome.cuts)),
)}
${section(
  "back",
  "How long it takes to come back",
  "The time from opening the files that a cut left until the outbox takes readings again.",
  recoveryPlot(faults, circumstances.machine),
)}
${section(
  "faults",
  "Fault by fault",
  "Where readings go on to a region, which de-duplicates by id, they are looked for there, after the hub has started again and delivered what it has. Then the sensors send again what they have, and the effects are counted. Numbers of faults are those of docs/faults.md.",
  html`${faultNotes(faults)}${faultTable(faults)}${leftOutNote(leftOut)}`,
)}
${section("instrument", "Can this instrument see a loss?", control.suite.about, controlPlot(control, faults))}
${repeat(result)}
</main>
</body>
</html>
`;
  return text;
};
