import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { driverOf } from "../../drivers/registry.ts";
import { isoUtc } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { createSystemClock } from "../clock/system-clock.ts";
import { loadCertifiedCatalogue } from "../config/certified-catalogue.ts";
import { fileTrouble } from "../config/file-trouble.ts";
import { problemLine } from "../config/hub-config.ts";
import type { Capture } from "../driver-kit/capture.ts";
import { readingText } from "../driver-kit/compare.ts";
import { type CaptureOutcome, hasPassed, tryCapture } from "../driver-kit/conformance.ts";
import { modelsOf } from "../driver-kit/coverage.ts";
import { differenceLine } from "../driver-kit/difference.ts";
import { loadCaptures } from "../driver-kit/load-captures.ts";
import { count, reportBlocks } from "../driver-kit/report.ts";
import { reportHtml, reportMarkdown } from "../driver-kit/report-text.ts";
import { MOST_TRIED } from "../driver-kit/robustness.ts";
import { HUB_VERSION } from "../version.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

export interface DriverTestOptions {
  readonly report?: string;
  /** False for `--no-disturb`: the readings only. */
  readonly disturb?: boolean;
  readonly json?: boolean;
  /** Folder of catalogue entries instead of this version's own. */
  readonly catalogue?: string;
}

/** What went on with one capture, a line each; faults carry their place. */
const linesOf = (outcome: CaptureOutcome): readonly string[] => {
  const { capture, tried, differences, robustness } = outcome;
  const readings = tried?.replayed.taken.map(({ reading }) => reading) ?? [];
  const disturbed = robustness.reduce((sum, one) => sum + one.tried, 0);
  const verdict = hasPassed(outcome) ? "pass" : "FAIL";
  return [
    `${verdict}  ${capture.file}: ${count(readings.length, "reading")}, ${count(disturbed, "disturbance")}`,
    ...readings.map((reading) => `      ${readingText(reading)}`),
    ...differences.map((one) => `      ${differenceLine(capture, one)}`),
    ...robustness.flatMap(({ name, faults }) => faults.map((fault) => `      ${name}: ${capture.file} ${fault}`)),
  ];
};

const jsonOf = (outcome: CaptureOutcome): object => ({
  file: outcome.capture.file,
  ok: hasPassed(outcome),
  readings: outcome.tried?.replayed.taken.length ?? 0,
  differences: outcome.differences,
  robustness: outcome.robustness,
});

const NEXT =
  "a difference is a driver that decodes wrongly, or a capture that expects it: compare both with the sensor's document";

const writeReport = async (file: string, outcomes: readonly CaptureOutcome[]): Promise<string | null> => {
  const facts = {
    at: isoUtc(createSystemClock().now()),
    hubVersion: HUB_VERSION,
    nodeVersion: process.versions.node,
  };
  const blocks = reportBlocks(modelsOf(outcomes), facts);
  const text = extname(file) === ".md" ? reportMarkdown(blocks) : reportHtml(blocks);
  return writeFile(file, text).then(
    () => null,
    (thrown: unknown) => `driver test: the page ${file} cannot be written (${fileTrouble(thrown)}); name another file`,
  );
};

/**
 * `hemhub driver test PATH`: replay captures through the real drivers, disturb each, and say what differs. Exit 1 where
 * one fails, 2 where a file is no capture.
 */
export const driverTestCommand = async (
  path: string,
  { report, disturb = true, json = false, catalogue: folder }: DriverTestOptions,
  output: Output,
): Promise<ExitCode> => {
  if (report !== undefined && ![".html", ".md"].includes(extname(report))) {
    output.complain(`driver test: the page ${report} is neither .html nor .md; name it one of these`);
    return EXIT.usage;
  }
  const results = await loadCaptures(path);
  const captures: Capture[] = [];
  for (const result of results) {
    if (result.tag === "ok") captures.push(result.capture);
    else for (const problem of result.problems) output.complain(problemLine(result.file, problem));
  }
  if (captures.length < results.length) return EXIT.usage;

  const { catalogue, trouble: catalogueTrouble } = await loadCertifiedCatalogue(folder ?? null);
  if (catalogueTrouble !== null) {
    output.complain(catalogueTrouble);
    return EXIT.usage;
  }
  const parts = { catalogue, driverOf, validate: createReadingValidator() };
  const outcomes: CaptureOutcome[] = [];
  for (const capture of captures) {
    const outcome = await tryCapture(capture, parts, disturb ? MOST_TRIED : 0);
    outcomes.push(outcome);
    if (json) await output.write(`${JSON.stringify(jsonOf(outcome))}\n`);
    else
      await output.write(
        linesOf(outcome)
          .map((line) => `${line}\n`)
          .join(""),
      );
  }
  const failed = outcomes.filter((outcome) => !hasPassed(outcome)).length;
  const missing = modelsOf(outcomes).flatMap(({ name, coverage }) =>
    coverage.filter(({ readings }) => readings === 0).map(({ quantity }) => `${name} ${quantity}`),
  );
  if (!json) {
    if (missing.length > 0) await output.write(`not shown by any capture: ${missing.join(", ")}\n`);
    await output.write(`${outcomes.length - failed} passed, ${failed} failed\n`);
  }
  const trouble = report === undefined ? null : await writeReport(report, outcomes);
  if (trouble !== null) output.complain(trouble);
  if (outcomes.some(({ tried, differences }) => tried !== null && differences.length > 0)) {
    output.complain(`driver test: ${NEXT}`);
  }
  return failed === 0 && trouble === null ? EXIT.ok : EXIT.checkFailed;
};
