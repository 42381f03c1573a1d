import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "../../protocol/errors.ts";
import { requirement } from "../../tests/support/requirements.ts";
import { readCircumstances } from "./circumstances.ts";
import { carelessStore } from "./control.ts";
import { readOptions, USAGE } from "./options.ts";
import { renderPage } from "./page/page.ts";
import { hasPassed, type Result, summaryOf, totalsOf } from "./result.ts";
import { runSuites } from "./run-suites.ts";
import type { FaultSuite } from "./suite.ts";

/** Of the minute that a quick run has, from the start of the process; the rest is for the last step of a suite and for npm. */
const QUICK_BOX_MS = 46_000;

const stderr = (text: string): void => void process.stderr.write(`${text}\n`);

const headline = (result: Result): string => {
  const { cuts, kills, taken, lost, altered, duplicatesInEffect } = totalsOf(result.faults);
  const passed = hasPassed(result) ? "passed" : "FAILED";
  return (
    `${passed}: ${cuts} power cuts, ${kills} kills, ${taken} readings taken; ` +
    `${lost} lost, ${altered} altered, ${duplicatesInEffect} twice in effect (${result.seconds} s, seed ${result.seed})`
  );
};

/**
 * The program behind `npm run report:durability`, over any table of suites. A quick run does the minimum of each, and more
 * until the process is `quickBoxMs` old. Resolves with its exit code: 0 where nothing
 * was lost, altered or doubled, no other promise was broken, and the control lost readings; 1 otherwise; 2 where it could
 * not be asked for that, or this machine cannot do it.
 */
export const reportDurability = async (
  args: readonly string[],
  suites: readonly FaultSuite[],
  quickBoxMs = QUICK_BOX_MS,
): Promise<number> => {
  const options = readOptions(args);
  if (typeof options === "string") {
    stderr(`durability report: ${options}\n${USAGE}`);
    return 2;
  }
  const cc = requirement("cc");
  if (!cc.available) {
    stderr(`durability report: the recorder of disk operations has to be compiled, and ${cc.reason}`);
    return 2;
  }
  const stopping = new AbortController();
  const stop = (): void => stopping.abort(new Error("durability report: stopped before its end; nothing was written"));
  process.once("SIGINT", stop).once("SIGTERM", stop);

  const { mode, seed, json, out } = options;
  const startedAt = performance.now();
  const circumstances = await readCircumstances();
  stderr(`durability report: ${mode} run, seed ${seed}, Hemhub ${circumstances.version}`);
  const run = {
    mode,
    seed,
    box: Math.max(0, quickBoxMs - performance.now()),
    say: (text: string) => stderr(`  ${text}`),
  };
  const [control, ...faults] = await runSuites([carelessStore, ...suites], run, stopping.signal).catch((thrown) => {
    if (!stopping.signal.aborted) throw thrown;
    stderr(messageOf(thrown));
    return [];
  });
  if (control === undefined) return 1;
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const leftOut = mode === "full" ? [] : suites.filter(({ quick }) => quick === null);
  const result: Result = { mode, seed, seconds, circumstances, faults, control, leftOut };
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, renderPage(result));
  stderr(headline(result));
  stderr(`page: ${out}`);
  if (json) process.stdout.write(`${JSON.stringify(summaryOf(result))}\n`);
  return hasPassed(result) ? 0 : 1;
};
