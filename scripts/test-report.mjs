// What vitest's JSON report says, in the words of our closing line.

/** @returns {{passed: number, failed: number, skipped: number}} A file that did not even load counts as one failure. */
export const countsOf = (report) => {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  };
};

/** Full names of the tests that did not run; the reason stands in the name (tests/support/requirements.ts). */
export const skippedOf = (report) =>
  report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status !== "passed" && test.status !== "failed")
      .map((test) => test.fullName.trim()),
  );

export const closingLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
