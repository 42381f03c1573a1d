import { messageOf } from "../protocol/errors.ts";
import { runHome } from "./home/run-home.ts";
import { HELP, parseRunOptions } from "./home/run-options.ts";
import type { Summary } from "./home/summary.ts";

const EXIT_WRONG_OPTIONS = 2;
const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const complain = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** What went wrong first, and what more went wrong while everything was taken down. */
const sentencesOf = (thrown: unknown): string =>
  thrown instanceof SuppressedError
    ? `${sentencesOf(thrown.suppressed)}; then, while ending: ${sentencesOf(thrown.error)}`
    : messageOf(thrown);

/** For people, after the screen is theirs again. */
const tell = (summary: Summary): void => {
  const { taken, receipted, lost, duplicatesInEffect, p50Ms, p99Ms, rssMb } = summary;
  write(`${taken} taken, ${receipted} receipted, ${lost} lost, ${duplicatesInEffect} twice in effect`);
  if (p50Ms !== null) write(`sensor's last byte to receipt: median ${p50Ms} ms, p99 ${p99Ms} ms; hub ${rssMb} MB`);
  for (const problem of summary.problems) write(`! ${problem}`);
};

const main = async (args: readonly string[]): Promise<number> => {
  const parsed = parseRunOptions(args);
  if (parsed.tag === "help") {
    for (const line of HELP) write(line);
    return 0;
  }
  if (parsed.tag === "wrong") {
    complain(parsed.message);
    return EXIT_WRONG_OPTIONS;
  }
  const { options } = parsed;
  const stop = new AbortController();
  const hurry = new AbortController();
  const onSignal = (): void => (stop.signal.aborted ? hurry : stop).abort();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  // Whoever read the events has gone: end in order, there is nobody to tell.
  process.stdout.on("error", () => stop.abort());

  const onTerminal = !options.json && process.stdin.isTTY && process.stdout.isTTY;
  const terminal = onTerminal ? { input: process.stdin, output: process.stdout } : null;
  const summary = await runHome(options, { write, terminal }, { stop: stop.signal, hurry: hurry.signal });
  if (terminal === null) write(JSON.stringify({ summary }));
  else tell(summary);
  return summary.problems.length === 0 ? 0 : 1;
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  complain(`npm start: ${sentencesOf(thrown)}`);
  process.exitCode = 1;
}
