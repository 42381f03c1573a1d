// The gate (.ci/run): format, lint and types, then the README's test command, then the bundle's release test. Every step
// runs even when one before it failed, so that one run shows all; the last line is the sum.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { orExplain, pinnedEnv, ROOT, setUp } from "./setup.mjs";
import { closingLine, countsOf } from "./test-report.mjs";

const step = (title, command, args) => {
  process.stdout.write(`\n== ${title}\n`);
  const { status } = spawnSync(command, args, { cwd: ROOT, env: pinnedEnv(), stdio: ["ignore", "inherit", "inherit"] });
  process.stdout.write(`== ${title}: ${status === 0 ? "ok" : `FAILED (exit ${status})`}\n`);
  return status === 0;
};

const sum = { passed: 0, failed: 0, skipped: 0 };
const count = (ok) => {
  sum[ok ? "passed" : "failed"] += 1;
};

/** Add a test run's own counts; a run that failed without a failing test counts as one failure. */
const countReport = (ok, file) => {
  if (!existsSync(file)) return count(false);
  const counts = countsOf(JSON.parse(readFileSync(file, "utf8")));
  for (const key of Object.keys(sum)) sum[key] += counts[key];
  if (!ok && counts.failed === 0) count(false);
  if (counts.passed === 0) count(false);
};

const code = await orExplain(async () => {
  await setUp();
  const testReport = path.join(ROOT, ".test-report.json");
  const releaseReport = path.join(ROOT, ".release-report.json");
  rmSync(testReport, { force: true });
  rmSync(releaseReport, { force: true });
  count(step("format and lint", "biome", ["ci", "."]));
  count(step("types", "tsc", ["-p", "."]));
  countReport(step("npm test", "npm", ["test"]), testReport);
  countReport(
    step("release test of the bundle", "vitest", [
      "run",
      "--config",
      "vitest.release.config.ts",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${releaseReport}`,
    ]),
    releaseReport,
  );
  return sum.failed === 0 ? 0 : 1;
});
if (code !== 0 && sum.failed === 0) sum.failed = 1;
const { passed, failed } = sum;
if (sum.skipped > 0) process.stdout.write(`\n${closingLine({ ...sum })} (named above)\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
