// Loaded before a program (--import): watches its event loop from outside. SIGUSR2 begins anew; at the end the longest
// block and how many there were above 10 ms go to the file named by HEMHUB_LOOP_REPORT.
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 1;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
process.on("SIGUSR2", () => delays.reset());
process.on("exit", () => {
  const ms = (ns) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  const report = { maxMs: ms(delays.max), p99Ms: ms(delays.percentile(99)) };
  writeFileSync(process.env.HEMHUB_LOOP_REPORT, JSON.stringify(report));
});
