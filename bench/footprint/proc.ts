import { readFileSync } from "node:fs";

/** Clock ticks of /proc: 100 a second on every Linux that Node runs on (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;

/** CPU time of a process so far, user and system, all threads. */
export const cpuMsOf = (pid: number): number => {
  // The second field is a name in brackets that may hold blanks; utime and stime are fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

/** Resident memory now. */
export const rssMbOf = (pid: number): number => {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? Number.NaN) / 1024;
};
