import { describe, expect, it } from "vitest";
import { controlPlot } from "../../bench/durability/page/control-plot.ts";
import { cutsPlot, rowsOf } from "../../bench/durability/page/cuts-plot.ts";
import { grouped, html, tableOf } from "../../bench/durability/page/markup.ts";
import { headlineOf, renderPage } from "../../bench/durability/page/page.ts";
import { histogramOf, recoveryPlot } from "../../bench/durability/page/recovery-plot.ts";
import { MOST_SHOWN, timelinePlot, windowOf } from "../../bench/durability/page/timeline.ts";
import { hasPassed, type Result, summaryOf } from "../../bench/durability/result.ts";
import type { Moment } from "../../bench/durability/suite.ts";
import { controlResult, cutFault, sampleResult } from "./sample-result.ts";

describe("markup", () => {
  it("escapes every value, and leaves markup as it is", () => {
    const inner = html`<b>${"a & b"}</b>`;
    expect(html`<p title="${'"x"'}">${inner}${["<", 1, null]}</p>`.html).toBe(
      '<p title="&quot;x&quot;"><b>a &amp; b</b>&lt;1</p>',
    );
  });

  it("groups digits by three", () => {
    expect([0, 999, 1000, 1_234_567].map(grouped)).toEqual(["0", "999", "1\u202f000", "1\u202f234\u202f567"]);
  });

  it("names every column and row of a table, and puts numbers to the right", () => {
    const { html: text } = tableOf({ caption: "C", columns: ["a", "b"], rows: [["x", 1000]] });
    expect(text).toContain('<th scope="col">a</th><th scope="col" class="number">b</th>');
    expect(text).toContain('<th scope="row">x</th><td class="number">1\u202f000</td>');
  });
});

const faulty = (outcome: Parameters<typeof cutFault>[0]): Result => sampleResult({ faults: [cutFault(outcome)] });

describe("the verdict", () => {
  it.each<readonly [string, Result, boolean]>([
    ["Nothing was lost.", sampleResult(), true],
    ["Nothing was lost.", faulty({ falseAlarms: 2 }), true],
    ["Readings were lost.", faulty({ lost: 1, altered: 1 }), false],
    ["Readings were altered.", faulty({ altered: 1 }), false],
    ["Readings took effect twice.", faulty({ doubled: 1 }), false],
    ["A promise was broken.", faulty({ wrong: ["a counter was handed out twice"] }), false],
    ["This run is not complete.", faulty({ injected: 2 }), false],
    ["This run shows nothing.", sampleResult({ control: controlResult(0) }), false],
  ])("is “%s” with its colour and in the JSON", (headline, result, passed) => {
    expect(headlineOf(result)).toBe(headline);
    expect(hasPassed(result)).toBe(passed);
    expect(summaryOf(result).passed).toBe(passed);
    const page = renderPage(result);
    expect(page).toContain(`<h1>${headline}</h1>`);
    expect(page).toContain(`<header class="${passed ? "passed" : "failed"}">`);
  });
});

describe("the page", () => {
  const page = renderPage(sampleResult());

  it("loads nothing and runs nothing", () => {
    expect(page).not.toMatch(/<script|<link|<img|\bsrc=|\bhref=|url\(|@import|https?:/i);
  });

  it("tells every picture in words, under ids that are there once", () => {
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const pictures = [...page.matchAll(/<svg [^>]*>/g)].map(([tag]) => tag);
    expect(pictures.length).toBeGreaterThan(6);
    for (const picture of pictures) expect(picture).toMatch(/role="img" aria-label(ledby)?="[^"]+"/);
    for (const [, wanted = ""] of page.matchAll(/aria-labelledby="([^"]+)"/g)) {
      for (const id of wanted.split(" ")) expect(ids).toContain(id);
    }
  });

  it("escapes what suites say of themselves", () => {
    expect(page).toContain("About &lt;this&gt; &amp; that.");
  });

  it("says how to repeat the run, and on what it was made", () => {
    expect(page).toContain("npm run report:durability -- --seed 42");
    for (const fact of ["1.2.3", "0123abc", "24.0.0", "3.50.0", "Linux 6.1", "2 x Processor, 4 GiB", "2026-11-22"]) {
      expect(page).toContain(fact);
    }
  });

  it("sums over its faults", () => {
    expect(page).toContain("<dt>power cuts, each another disk</dt><dd>3\u202f000</dd>");
    expect(page).toContain("<dt>kills of the process</dt><dd>1\u202f000</dd>");
    expect(page).toContain("<dt>readings looked for</dt><dd>131\u202f346</dd>");
  });

  it("names what went wrong, false alarms, and what a quick run leaves out", () => {
    const leftOut = [{ fault: "F11", name: "an update" }];
    const bad = renderPage({
      ...faulty({ wrong: ["cut after 3: 1 lost"], lost: 1, falseAlarms: 2 }),
      mode: "quick",
      leftOut,
    });
    expect(bad).toContain("<li>F01: cut after 3: 1 lost</li>");
    expect(bad).toContain("2 false alarms.");
    expect(bad).toContain("Left out of a quick run: F11 an update.");
    expect(bad).toContain("--quick --seed 42");
    for (const absent of ["What went wrong", "false alarm", "Left out"]) expect(page).not.toContain(absent);
  });

  it("is made also of a run in which every suite broke off", () => {
    const nothing = {
      injected: 0,
      taken: 0,
      recoveriesMs: [],
      cuts: [],
      timeline: [],
      wrong: ["the suite broke off: x"],
    };
    const empty = renderPage(sampleResult({ faults: [cutFault(nothing)] }));
    expect(empty).toContain("the suite broke off: x");
    expect(empty).not.toMatch(/NaN|undefined|Infinity/);
  });
});

const TIMELINE = { id: "t", title: "T", caption: "C" };

describe("the plots", () => {
  it("adds cuts up by operation and loss model, the most frequent first", () => {
    const cuts = [...cutFault().outcome.cuts, { kind: "sync", loss: "unsynced-lost", cuts: 2500 } as const];
    expect(rowsOf(cuts)).toEqual([
      { kind: "sync", cuts: [0, 3000, 0], total: 3000 },
      { kind: "write", cuts: [1500, 0, 1000], total: 2500 },
    ]);
    expect(cutsPlot([])).toBeNull();
  });

  it("counts every recovery once, the outermost in the outermost bars", () => {
    const counts = histogramOf([100, 100, 100, 1, 100_000]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5);
    expect([counts[0], counts[8], counts.at(-1)]).toEqual([1, 3, 1]);
    expect(recoveryPlot([cutFault({ recoveriesMs: [] })], "m")).toBeNull();
  });

  it("gives the recovery times of each fault beside it", () => {
    const text = recoveryPlot([cutFault()], "2 x Processor")?.html ?? "";
    expect(text).toContain("on 2 x Processor");
    expect(text).toContain('<td class="number">2.0 ms</td>');
    expect(text).toContain("1 took more than twice as long as the median");
  });

  it("shows of a recording what is acknowledged, and in the table how often", () => {
    const text = timelinePlot({ ...TIMELINE, moments: cutFault().outcome.timeline })?.html ?? "";
    expect(text).toContain("4 writes, 1 synchronisations, 1 acknowledgements to sensors");
    expect(text).toContain('<th scope="row">region</th><td class="number">0</td>');
    expect(timelinePlot({ ...TIMELINE, moments: [] })).toBeNull();
  });

  it("shows the part of a long recording in which the region speaks", () => {
    const write: Moment = { tag: "write", file: "outbox.db-wal", said: [] };
    const receipt: Moment = { tag: "acknowledge", file: null, said: ["receipt"] };
    const moments = [...Array<Moment>(3 * MOST_SHOWN).fill(write)];
    moments[2 * MOST_SHOWN] = receipt;
    const first = windowOf(moments);
    expect(moments.slice(first, first + MOST_SHOWN)).toContain(receipt);
  });

  it("shows the control beside the hub, and says where it lost nothing", () => {
    const text = controlPlot(controlResult(500), [cutFault()]).html;
    expect(text).toContain("careless store: 500 of 1\u202f000 lost; Hemhub: 0 of 123\u202f456 lost.");
    expect(text).not.toContain("lost nothing in this run");
    expect(controlPlot(controlResult(0), [cutFault()]).html).toContain("lost nothing in this run");
  });
});
