// `npm test`: set up (also Debian packages where we are root), run every test, and say at the end what was skipped and
// why. Arguments go to vitest.
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { unpackGuestKernel } from "./guest-kernel.mjs";
import { orExplain, ROOT, runPinned, setUp, TEST_PACKAGES } from "./setup.mjs";
import { closingLine, countsOf, skippedOf } from "./test-report.mjs";

const REPORT = path.join(ROOT, ".test-report.json");

process.exitCode = await orExplain(async () => {
  const missing = await setUp({ debian: TEST_PACKAGES });
  if (missing.length > 0) {
    process.stdout.write(
      `Not installed here: ${missing.join(", ")}; tests that need them are named below as skipped.\n`,
    );
  }
  const noKernel = unpackGuestKernel();
  if (noKernel !== null) process.stdout.write(`${noKernel}; tests that need it are named below as skipped.\n`);
  rmSync(REPORT, { force: true });
  const vitest = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const code = await runPinned(
    [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`, ...process.argv.slice(2)],
    { cwd: ROOT },
  );
  if (!existsSync(REPORT)) return code === 0 ? 1 : code;
  const report = JSON.parse(readFileSync(REPORT, "utf8"));
  for (const name of skippedOf(report)) process.stdout.write(`skipped: ${name}\n`);
  process.stdout.write(`${closingLine(countsOf(report))}\n`);
  return code;
});
