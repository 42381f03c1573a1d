import { reportDurability } from "../../bench/durability/report-program.ts";
import { FAULT_SUITES } from "../../bench/durability/suites.ts";

/** The report with all of its quick suites, each as short as it can be. */
const short = FAULT_SUITES.map((suite) =>
  suite.quick === null ? suite : { ...suite, quick: { atLeast: 4, share: 1 } },
);

process.exitCode = await reportDurability(process.argv.slice(2), short, 1);
